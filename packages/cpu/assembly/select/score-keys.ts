// Scores of runs by their keys. A page's weight is known from its middles; what its keys differ from them is scored on the chosen pairs of
// channels, right from the quants of closed pages: the steps of a page go into the queries, and where it is far its angles do.

import { Four, One, Three, Two } from "../blocks";
import { POSITION, SLOT } from "../lists";
import { halves } from "../open";
import { AWAY, CLOSED, keyBits, middlesOffset, pageOf, rangeScale, rangesOffset, runBytes, scalesOffset } from "../pages";
import { argument } from "../team";
import { touch } from "../touch";
import { turnVectors } from "../turn";
import {
  choice,
  chosenPairs,
  chosenQueries,
  chosenStride,
  firstCandidate,
  groupSize,
  isFar,
  pageScores,
  pairsOf,
  picked,
  threadWords,
  turnOf,
  weights,
} from "./select";

/** Bytes of a query's scores of a page: f32 [16]. */
const PAGE_SCORES: usize = 64;

// What the pages of a block have in common, looked up once: a page takes less time than to find out where everything is.
let group: i32 = 0;
/** Chosen pairs, and bytes of a query on them. */
let pairs: usize = 0;
let stride: usize = 0;
/** Queries on the chosen pairs, as they meet near and far pages. */
let nearQueries: usize = 0;
let farQueries: usize = 0;

/** Picked pages [first, end) of a head, those that are away with no weight; `scratch` is this thread's, as large as a chunk. */
export function scoreKeys(kvHead: i32, first: i32, end: i32, scratch: usize): void {
  const made = choice(kvHead);
  const entries = firstCandidate(kvHead);
  const indices = picked(made);
  group = groupSize();
  pairs = pairsOf(made);
  stride = chosenStride(argument(4));
  nearQueries = chosenQueries(made, false);
  farQueries = chosenQueries(made, true);
  store<i32>(threadWords(scratch), touchKeys(entries, indices, first, end));
  const pageStride = pageScores(made, 1) - pageScores(made, 0);
  const runStride = weights(made, 1) - weights(made, 0);
  let pageWeights = pageScores(made, 0) + ((<usize>first) << 2);
  let runWeights = weights(made, 0) + ((<usize>first) << 4);
  for (let index = first; index < end; index++) {
    const entry = entries + ((<usize>load<u32>(indices + ((<usize>index) << 2))) << 4);
    const isAway = (load<u32>(entry, SLOT) & AWAY) != 0;
    if (!isAway) scorePage(entry, scratch);
    for (let query: usize = 0; query < <usize>group; query++) {
      const to = runWeights + query * runStride;
      if (isAway) v128.store(to, f32x4.splat(0));
      else weighScores(scratch + query * PAGE_SCORES, load<f32>(pageWeights + query * pageStride), to);
    }
    pageWeights += 4;
    runWeights += 16;
  }
}

/** Asks for the keys of the chosen pairs of picked pages. */
function touchKeys(entries: usize, indices: usize, first: i32, end: i32): i32 {
  const headSize = argument(4);
  const pairsEnd = pairs + ((<usize>chosenPairs(headSize)) << 2);
  const bits = <usize>keyBits();
  const steps = rangesOffset(headSize);
  let touched = 0;
  for (let index = first; index < end; index++) {
    const slot = load<u32>(entries + ((<usize>load<u32>(indices + ((<usize>index) << 2))) << 4), SLOT);
    if (slot & AWAY) continue;
    const page = pageOf(slot);
    touched = touch(page + steps, (<usize>headSize) << 1, touched) + load<i32>(page + steps + rangeScale(headSize));
    // Chosen pairs come in twos, which lie together.
    if (slot & CLOSED)
      for (let pair = pairs; pair < pairsEnd; pair += 8) touched += load<i32>(page + ((<usize>load<u32>(pair) * bits) << 2));
    else for (let run: usize = 0; run < 4; run++) touched = touch(page + run * runBytes(headSize), (<usize>headSize) << 3, touched);
  }
  return touched;
}

/** How far the scores of a page's tokens are from that of its middle: f32 [group, 16] at `scores`; what follows is scratch. */
function scorePage(entry: usize, scores: usize): void {
  const slot = load<u32>(entry, SLOT);
  const page = pageOf(slot);
  const position = load<i32>(entry, POSITION);
  const far = isFar(position);
  // Queries in the steps of a closed page, or the middles of one that stays open; then queries in its angles.
  const scratch = scores + <usize>group * PAGE_SCORES;
  let queries = far ? farQueries : nearQueries;
  // Where `chosenScales` has them, without asking for the size of the group again.
  const scales = queries + <usize>group * stride;
  if (far) {
    const turned = scratch + <usize>group * stride;
    turnQueries(queries, turnOf(position), turned);
    queries = turned;
  }
  const from = page + rangesOffset(argument(4));
  if (slot & CLOSED) {
    for (let i: usize = 0; i < stride; i += 16) {
      const steps = chosenOf(from, i);
      for (let at = i, end = i + <usize>group * stride; at < end; at += stride)
        v128.store(scratch + at, i16x8.q15mulr_sat_s(v128.load(queries + at), steps));
    }
    const unit = load<f32>(from + rangeScale(argument(4))) * 256;
    if (keyBits() == 8) scoreClosed<i8>(page, scratch, scales, unit, scores);
    else scoreClosed<i16>(page, scratch, scales, unit, scores);
  } else {
    for (let i: usize = 0; i < stride; i += 16) v128.store(scratch + i, chosenOf(from + middlesOffset(argument(4)), i));
    scoreOpen(page, queries, scales, scratch, scores);
  }
}

/** Of int16 [E] those of the chosen pairs, 16 bytes from the i-th on. */
function chosenOf(from: usize, i: usize): v128 {
  const four = v128.load64_zero(from + ((<usize>load<u32>(pairs + i)) << 2));
  if (i + 8 >= (<usize>chosenPairs(argument(4))) << 2) return four;
  return v128.load64_lane(from + ((<usize>load<u32>(pairs + i + 8)) << 2), four, 1);
}

/** Turns queries on the chosen pairs forth by the angles of a page; behind them is room for these. */
function turnQueries(queries: usize, turn: usize, to: usize): void {
  const angles = to + <usize>group * stride;
  for (let i: usize = 0, end = (<usize>chosenPairs(argument(4))) << 2; i < end; i += 4)
    store<u64>(angles + (i << 1), load<u64>(turn + ((<usize>load<u32>(pairs + i)) << 3)));
  turnVectors(queries, group, <i32>(stride >> 1), angles, false, to);
}

/** `Quant` is i8 for quants of 8 bits; the steps are in the queries. */
function scoreClosed<Quant>(page: usize, queries: usize, scales: usize, unit: f32, scores: usize): void {
  for (let left = group; left > 0; left -= 4) {
    if (left >= 4) scoreQuants<Quant, Four>(page, queries, scales, unit, scores);
    else if (left == 3) scoreQuants<Quant, Three>(page, queries, scales, unit, scores);
    else if (left == 2) scoreQuants<Quant, Two>(page, queries, scales, unit, scores);
    else scoreQuants<Quant, One>(page, queries, scales, unit, scores);
    queries += 4 * stride;
    scales += 16;
    scores += 4 * PAGE_SCORES;
  }
}

function scoreQuants<Quant, Queries>(page: usize, queries: usize, scales: usize, unit: f32, scores: usize): void {
  const count = offsetof<Queries>();
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
      let low: v128;
      let high: v128;
      if (sizeof<Quant>() == 1) {
        const quants = page + (pair << 5) + (half << 4);
        low = v128.load8x8_s(quants);
        high = v128.load8x8_s(quants, 8);
      } else {
        const quants = halves(i16x8.shl(v128.load(page + (pair << 4)), half == 0 ? 4 : 0));
        low = i16x8.extend_low_i8x16_s(quants);
        high = i16x8.extend_high_i8x16_s(quants);
      }
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
function scoreOpen(page: usize, queries: usize, scales: usize, middles: usize, scores: usize): void {
  const headSize = argument(4);
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

/** A page's weight times the sum of 2^score of each run's tokens. */
function weighScores(scores: usize, weight: f32, to: usize): void {
  const a = roughPower4(v128.load(scores));
  const b = roughPower4(v128.load(scores, 16));
  const c = roughPower4(v128.load(scores, 32));
  const d = roughPower4(v128.load(scores, 48));
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 1, 4, 5), v128.shuffle<i32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 1, 4, 5), v128.shuffle<i32>(c, d, 2, 3, 6, 7));
  const runs = f32x4.add(v128.shuffle<i32>(ab, cd, 0, 2, 4, 6), v128.shuffle<i32>(ab, cd, 1, 3, 5, 7));
  v128.store(to, f32x4.mul(runs, f32x4.splat(weight)));
}

/**
 * 2^x to 6%, between 2^-126 and 2^120: a score's integer part is the exponent of the result, its fraction the mantissa. What is chosen by
 * this knows keys by a quarter of their channels.
 */
function roughPower4(x: v128): v128 {
  const clamped = f32x4.pmax(f32x4.pmin(x, f32x4.splat(120)), f32x4.splat(-126));
  // In units of 2^-12, added to 1.5 * 2^23, the sum's low bits are the integer.
  const shifted = f32x4.add(f32x4.mul(clamped, f32x4.splat(4096)), f32x4.splat(12582912));
  return i32x4.add(i32x4.shl(shifted, 11), i32x4.splat(127 << 23));
}
