// Scores of runs by their keys. A page's weight is known from its middles; what its keys differ from them is scored on the chosen pairs of
// channels, right from the quants of closed pages: the steps of a page go into the queries, and where it is far its angles do.

import { Four, One, Three, Two } from "../blocks";
import { POSITION, SLOT } from "../lists";
import { halves } from "../open";
import { AWAY, CLOSED, keyBits, middlesOffset, pageOf, rangeScale, rangesOffset, runBytes, scalesOffset } from "../pages";
import { power4 } from "../softmax";
import { argument } from "../team";
import { touch } from "../touch";
import { turnVectors } from "../turn";
import {
  choice,
  chosenPairs,
  chosenQueries,
  chosenScales,
  chosenStride,
  firstCandidate,
  groupSize,
  isFar,
  pageScores,
  pairsOf,
  picked,
  threadBins,
  turnOf,
  weights,
} from "./select";

/** Bytes of a query's scores of a page: f32 [16]. */
const PAGE_SCORES: usize = 64;

/** Picked pages [first, end) of a head, those that are away with no weight; `scratch` is this thread's, as large as a chunk. */
export function scoreKeys(kvHead: i32, first: i32, end: i32, scratch: usize): void {
  const made = choice(kvHead);
  const entries = firstCandidate(kvHead);
  const indices = picked(made);
  const group = groupSize();
  store<i32>(threadBins(scratch), touchKeys(made, entries, first, end));
  for (let index = first; index < end; index++) {
    const candidate = <usize>load<u32>(indices + ((<usize>index) << 2));
    if (load<u32>(entries + (candidate << 4), SLOT) & AWAY) {
      for (let query = 0; query < group; query++) v128.store(weights(made, query) + ((<usize>index) << 4), f32x4.splat(0));
      continue;
    }
    scorePage(made, entries + (candidate << 4), group, scratch);
    for (let query = 0; query < group; query++) {
      const weight = load<f32>(pageScores(made, query) + ((<usize>index) << 2));
      weighScores(scratch + <usize>query * PAGE_SCORES, weight, weights(made, query) + ((<usize>index) << 4));
    }
  }
}

/** Asks for the keys of the chosen pairs of picked pages. */
function touchKeys(made: usize, entries: usize, first: i32, end: i32): i32 {
  const headSize = argument(4);
  const pairs = pairsOf(made);
  const pairsEnd = pairs + ((<usize>chosenPairs(headSize)) << 2);
  const bits = <usize>keyBits();
  const steps = rangesOffset(headSize);
  let touched = 0;
  for (let index = first; index < end; index++) {
    const slot = load<u32>(entries + ((<usize>load<u32>(picked(made) + ((<usize>index) << 2))) << 4), SLOT);
    if (slot & AWAY) continue;
    const page = pageOf(slot);
    touched = touch(page + steps, (<usize>headSize) << 1, touched);
    // Chosen pairs come in twos, which lie together.
    if (slot & CLOSED)
      for (let pair = pairs; pair < pairsEnd; pair += 8) touched += load<i32>(page + ((<usize>load<u32>(pair) * bits) << 2));
    else for (let run: usize = 0; run < 4; run++) touched = touch(page + run * runBytes(headSize), (<usize>headSize) << 3, touched);
  }
  return touched;
}

/** How far the scores of a page's tokens are from that of its middle: f32 [group, 16] at `scores`; what follows is scratch. */
function scorePage(made: usize, entry: usize, group: i32, scores: usize): void {
  const stride = chosenStride(argument(4));
  const slot = load<u32>(entry, SLOT);
  const page = pageOf(slot);
  const position = load<i32>(entry, POSITION);
  const far = isFar(position);
  const chosen = chosenQueries(made, far);
  const pairs = pairsOf(made);
  // Steps of a closed page, middles of one that stays open.
  const ranges = scores + <usize>group * PAGE_SCORES;
  const stepped = ranges + stride;
  const scales = chosenScales(chosen);
  let queries = chosen;
  if (far) {
    queries = stepped + <usize>group * stride;
    turnQueries(chosen, group, pairs, turnOf(position), queries);
  }
  const from = page + rangesOffset(argument(4));
  if (slot & CLOSED) {
    gatherChosen(from, pairs, ranges);
    for (let at = queries, to = stepped, query = group; query > 0; query--)
      for (let i: usize = 0; i < stride; i += 16) {
        v128.store(to, i16x8.q15mulr_sat_s(v128.load(at), v128.load(ranges + i)));
        at += 16;
        to += 16;
      }
    if (keyBits() == 8) scoreClosed<i8>(page, pairs, stepped, scales, group, scores);
    else scoreClosed<i16>(page, pairs, stepped, scales, group, scores);
  } else {
    gatherChosen(from + middlesOffset(argument(4)), pairs, ranges);
    scoreOpen(page, pairs, queries, scales, ranges, group, scores);
  }
}

/** Int16 [E] on the chosen pairs. */
function gatherChosen(from: usize, pairs: usize, to: usize): void {
  const bytes = (<usize>chosenPairs(argument(4))) << 2;
  for (let i: usize = 0; i < bytes; i += 8) store<u64>(to + i, load<u64>(from + ((<usize>load<u32>(pairs + i)) << 2)));
}

/** Turns queries on the chosen pairs forth by the angles of a page; behind them is room for these. */
function turnQueries(chosen: usize, group: i32, pairs: usize, turn: usize, to: usize): void {
  const headSize = argument(4);
  const stride = chosenStride(headSize);
  const angles = to + <usize>group * stride;
  for (let i: usize = 0, end = (<usize>chosenPairs(headSize)) << 2; i < end; i += 4)
    store<u64>(angles + (i << 1), load<u64>(turn + ((<usize>load<u32>(pairs + i)) << 3)));
  turnVectors(chosen, group, <i32>(stride >> 1), angles, false, to);
}

/** `Quant` is i8 for quants of 8 bits; the steps are in the queries. */
function scoreClosed<Quant>(page: usize, pairs: usize, queries: usize, scales: usize, group: i32, scores: usize): void {
  const stride = chosenStride(argument(4));
  const unit = load<f32>(page + rangesOffset(argument(4)) + rangeScale(argument(4))) * 256;
  for (let left = group; left > 0; left -= 4) {
    if (left >= 4) scoreQuants<Quant, Four>(page, pairs, queries, scales, unit, scores);
    else if (left == 3) scoreQuants<Quant, Three>(page, pairs, queries, scales, unit, scores);
    else if (left == 2) scoreQuants<Quant, Two>(page, pairs, queries, scales, unit, scores);
    else scoreQuants<Quant, One>(page, pairs, queries, scales, unit, scores);
    queries += 4 * stride;
    scales += 16;
    scores += 4 * PAGE_SCORES;
  }
}

function scoreQuants<Quant, Queries>(page: usize, pairs: usize, queries: usize, scales: usize, unit: f32, scores: usize): void {
  const count = offsetof<Queries>();
  const stride = chosenStride(argument(4));
  const bytes = (<usize>chosenPairs(argument(4))) << 2;
  // Eight tokens at a time, so that the sums stay in registers.
  for (let half: usize = 0; half < 2; half++) {
    let a = i32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let f = a;
    let g = a;
    let h = a;
    for (let i: usize = 0; i < bytes; i += 4) {
      const pair = <usize>load<u32>(pairs + i);
      let quants: v128;
      if (sizeof<Quant>() == 1) quants = v128.load(page + (pair << 5) + (half << 4));
      else quants = halves(i16x8.shl(v128.load(page + (pair << 4)), half == 0 ? 4 : 0));
      const low = i16x8.extend_low_i8x16_s(quants);
      const high = i16x8.extend_high_i8x16_s(quants);
      const q = v128.load32_splat(queries + i);
      a = i32x4.add(a, i32x4.dot_i16x8_s(low, q));
      b = i32x4.add(b, i32x4.dot_i16x8_s(high, q));
      if (count > 1) {
        const r = v128.load32_splat(queries + stride + i);
        c = i32x4.add(c, i32x4.dot_i16x8_s(low, r));
        d = i32x4.add(d, i32x4.dot_i16x8_s(high, r));
      }
      if (count > 2) {
        const s = v128.load32_splat(queries + 2 * stride + i);
        e = i32x4.add(e, i32x4.dot_i16x8_s(low, s));
        f = i32x4.add(f, i32x4.dot_i16x8_s(high, s));
      }
      if (count > 3) {
        const t = v128.load32_splat(queries + 3 * stride + i);
        g = i32x4.add(g, i32x4.dot_i16x8_s(low, t));
        h = i32x4.add(h, i32x4.dot_i16x8_s(high, t));
      }
    }
    const to = scores + (half << 5);
    storeScores(a, b, unit * load<f32>(scales), to);
    if (count > 1) storeScores(c, d, unit * load<f32>(scales, 4), to + PAGE_SCORES);
    if (count > 2) storeScores(e, f, unit * load<f32>(scales, 8), to + 2 * PAGE_SCORES);
    if (count > 3) storeScores(g, h, unit * load<f32>(scales, 12), to + 3 * PAGE_SCORES);
  }
}

function storeScores(low: v128, high: v128, unit: f32, to: usize): void {
  const factor = f32x4.splat(unit);
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(low), factor));
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(high), factor), 16);
}

/** Of a page that stays open, whose keys hold their middles too. */
function scoreOpen(page: usize, pairs: usize, queries: usize, scales: usize, middles: usize, group: i32, scores: usize): void {
  const headSize = argument(4);
  const stride = chosenStride(headSize);
  const bytes = (<usize>chosenPairs(headSize)) << 2;
  const unit = load<f32>(page + rangesOffset(headSize) + rangeScale(headSize));
  for (let query = 0; query < group; query++) {
    const scale = load<f32>(scales + ((<usize>query) << 2));
    let middle: i32 = 0;
    for (let i: usize = 0; i < bytes; i += 2) middle += <i32>load<i16>(queries + i) * <i32>load<i16>(middles + i);
    const base = f32x4.splat(<f32>middle * unit * scale);
    for (let run: usize = 0; run < 4; run++) {
      const keys = page + run * runBytes(headSize);
      let dots = i32x4.splat(0);
      for (let i: usize = 0; i < bytes; i += 4) {
        const key = v128.load(keys + ((<usize>load<u32>(pairs + i)) << 4));
        dots = i32x4.add(dots, i32x4.dot_i16x8_s(key, v128.load32_splat(queries + i)));
      }
      const units = f32x4.mul(v128.load(keys + scalesOffset(headSize)), f32x4.splat(scale));
      v128.store(scores + (run << 4), f32x4.sub(f32x4.mul(f32x4.convert_i32x4_s(dots), units), base));
    }
    queries += stride;
    scores += PAGE_SCORES;
  }
}

/** A page's weight times the sum of 2^score of each run's tokens. Scores far above the middle's end at 2^120. */
function weighScores(scores: usize, weight: f32, to: usize): void {
  const most = f32x4.splat(120);
  const a = power4(f32x4.pmin(v128.load(scores), most));
  const b = power4(f32x4.pmin(v128.load(scores, 16), most));
  const c = power4(f32x4.pmin(v128.load(scores, 32), most));
  const d = power4(f32x4.pmin(v128.load(scores, 48), most));
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 1, 4, 5), v128.shuffle<i32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 1, 4, 5), v128.shuffle<i32>(c, d, 2, 3, 6, 7));
  const runs = f32x4.add(v128.shuffle<i32>(ab, cd, 0, 2, 4, 6), v128.shuffle<i32>(ab, cd, 1, 3, 5, 7));
  v128.store(to, f32x4.mul(runs, f32x4.splat(weight)));
}
