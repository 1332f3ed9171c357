// Scores of runs by their keys: exact on the chosen pairs of channels, which are copied out of four pages at a time and scored like keys of so
// many channels; on the other channels the middles of their page's ranges stand for all of its keys.

import { KEY_SCALES, KEYS, QUERIES, QUERY_SCALES, score, SCORES_BYTES, TABLE_BYTES } from "../blocks";
import { POSITION, SLOT } from "../lists";
import { openPair, turnKeys } from "../open";
import { CLOSED, keyBits, middlesOffset, pageOf, rangeScale, rangesOffset, runBytes, scalesOffset } from "../pages";
import { sumLanes } from "../simd";
import { power4 } from "../softmax";
import { argument } from "../team";
import { touch } from "../touch";
import { turnVectors } from "../turn";
import {
  choice,
  chosenPairs,
  chosenQueries,
  chosenScales,
  firstCandidate,
  groupSize,
  isFar,
  otherQueries,
  pairsOf,
  picked,
  threadBins,
  threadScores,
  turnOf,
  weights,
} from "./select";

/** Picked pages [first, end) of a head. */
export function scoreKeys(kvHead: i32, first: i32, end: i32, chunk: usize): void {
  const made = choice(kvHead);
  const entries = firstCandidate(kvHead);
  const indices = picked(made);
  const group = groupSize();
  const channels = 2 * chosenPairs(argument(4));
  const scores = threadScores(chunk);
  store<i32>(threadBins(chunk), touchKeys(made, entries, first, end));
  for (let four = first; four < end; four += 4) {
    const pages = min(4, end - four);
    for (let page = 0; page < pages; page++)
      addPage(made, entries + ((<usize>load<u32>(indices + ((<usize>(four + page)) << 2))) << 4), chunk, page);
    score(chunk, pages << 2, 0, group, channels, scores);
    for (let page = 0; page < pages; page++)
      addMiddles(made, entries + ((<usize>load<u32>(indices + ((<usize>(four + page)) << 2))) << 4), page, chunk, scores);
    for (let query = 0; query < group; query++) {
      const bound = load<f32>(made + ((<usize>query) << 2), 4);
      weighScores(scores + <usize>query * SCORES_BYTES, pages, bound, weights(made, query) + ((<usize>four) << 4));
    }
  }
}

/** Asks for the keys of the chosen pairs of picked pages. */
function touchKeys(made: usize, entries: usize, first: i32, end: i32): i32 {
  const pairs = pairsOf(made);
  const pairsEnd = pairs + ((<usize>chosenPairs(argument(4))) << 2);
  const bits = <usize>keyBits();
  const headSize = argument(4);
  let touched = 0;
  for (let index = first; index < end; index++) {
    const entry = entries + ((<usize>load<u32>(picked(made) + ((<usize>index) << 2))) << 4);
    const slot = load<u32>(entry, SLOT);
    const page = pageOf(slot);
    if (slot & CLOSED)
      for (let pair = pairs; pair < pairsEnd; pair += 4) touched += load<i32>(page + ((<usize>load<u32>(pair) * bits) << 2));
    else for (let run: usize = 0; run < 4; run++) touched = touch(page + run * runBytes(headSize), (<usize>headSize) << 3, touched);
  }
  return touched;
}

/** Puts four runs of a page into the chunk, with the keys of the chosen pairs. */
function addPage(made: usize, entry: usize, chunk: usize, index: i32): void {
  const headSize = argument(4);
  const far = isFar(load<i32>(entry, POSITION));
  const chosen = chosenQueries(made, far);
  const scales = chosenScales(chosen);
  const pairs = pairsOf(made);
  const pairsEnd = pairs + ((<usize>chosenPairs(headSize)) << 2);
  const copyBytes = ((pairsEnd - pairs) << 2) + 16;
  const copy = chunk + TABLE_BYTES + <usize>(index << 2) * copyBytes;
  const slot = load<u32>(entry, SLOT);
  const page = pageOf(slot);
  if (!(slot & CLOSED)) copyOpen(page, headSize, pairs, pairsEnd, copy, copyBytes);
  else if (keyBits() == 8) copyClosed<i8>(page, headSize, pairs, pairsEnd, copy, copyBytes);
  else copyClosed<i16>(page, headSize, pairs, pairsEnd, copy, copyBytes);
  for (let run: usize = 0; run < 4; run++) {
    const row = chunk + ((<usize>index) << 4) + (run << 2);
    store<u32>(row, <u32>(copy + run * copyBytes + 16), KEYS);
    store<u32>(row, <u32>(copy + run * copyBytes), KEY_SCALES);
    store<u32>(row, <u32>chosen, QUERIES);
    store<u32>(row, <u32>scales, QUERY_SCALES);
  }
  if (far) turnCopies(pairs, pairsEnd, turnOf(load<i32>(entry, POSITION)), copy + 16, copyBytes, threadBins(chunk));
}

function copyOpen(page: usize, headSize: i32, pairs: usize, pairsEnd: usize, copy: usize, copyBytes: usize): void {
  const bytes = runBytes(headSize);
  for (let run: usize = 0; run < 4; run++) {
    v128.store(copy, v128.load(page + scalesOffset(headSize)));
    let to = copy + 16;
    for (let pair = pairs; pair < pairsEnd; pair += 4) {
      v128.store(to, v128.load(page + ((<usize>load<u32>(pair)) << 4)));
      to += 16;
    }
    page += bytes;
    copy += copyBytes;
  }
}

/** `Quant` is i8 for quants of 8 bits. */
function copyClosed<Quant>(page: usize, headSize: i32, pairs: usize, pairsEnd: usize, copy: usize, copyBytes: usize): void {
  const steps = page + rangesOffset(headSize);
  const middles = steps + middlesOffset(headSize);
  const scale = v128.load32_splat(steps + rangeScale(headSize));
  for (let run: usize = 0; run < 4; run++) v128.store(copy + run * copyBytes, scale);
  let to = copy + 16;
  for (; pairs < pairsEnd; pairs += 4) {
    const pair = <usize>load<u32>(pairs);
    const step = v128.load32_splat(steps + (pair << 2));
    const middle = v128.load32_splat(middles + (pair << 2));
    openPair<Quant>(page + (sizeof<Quant>() == 1 ? pair << 5 : pair << 4), step, middle, to, copyBytes);
    to += 16;
  }
}

/** Turns copied keys back by the angles of their page; `angles` has room for those of the chosen pairs. */
function turnCopies(pairs: usize, pairsEnd: usize, turn: usize, keys: usize, copyBytes: usize, angles: usize): void {
  for (let pair = pairs; pair < pairsEnd; pair += 4)
    store<u64>(angles + ((pair - pairs) << 1), load<u64>(turn + ((<usize>load<u32>(pair)) << 3)));
  for (let run: usize = 0; run < 4; run++) {
    turnKeys(keys, <i32>((pairsEnd - pairs) >> 1), angles, keys);
    keys += copyBytes;
  }
}

/** Adds what the middles of a page come to on the other channels to the scores of its runs. */
function addMiddles(made: usize, entry: usize, index: i32, chunk: usize, scores: usize): void {
  const headSize = argument(4);
  const ranges = pageOf(load<u32>(entry, SLOT)) + rangesOffset(headSize);
  const position = load<i32>(entry, POSITION);
  const far = isFar(position);
  const chosen = chosenQueries(made, far);
  const scale = load<f32>(ranges + rangeScale(headSize));
  let middles = ranges + middlesOffset(headSize);
  const bytes = (<usize>headSize) << 1;
  if (far) {
    const turned = threadBins(chunk);
    turnVectors(middles, 1, headSize, turnOf(position), true, turned);
    middles = turned;
  }
  let query = otherQueries(chosen);
  let scales = chosenScales(chosen);
  scores += (<usize>index) << 6;
  for (let left = groupSize(); left > 0; left--) {
    let dots = i32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) dots = i32x4.add(dots, i32x4.dot_i16x8_s(v128.load(query + i), v128.load(middles + i)));
    const base = f32x4.splat(sumLanes(f32x4.convert_i32x4_s(dots)) * scale * load<f32>(scales));
    for (let run: usize = 0; run < 64; run += 16) v128.store(scores + run, f32x4.add(v128.load(scores + run), base));
    query += bytes;
    scales += 4;
    scores += SCORES_BYTES;
  }
}

/** The sum of 2^(score - bound) of each run's tokens. Scores far above the bound, which is an estimate, end at 2^120. */
function weighScores(scores: usize, pages: i32, bound: f32, to: usize): void {
  const base = f32x4.splat(bound);
  const most = f32x4.splat(120);
  for (let page: usize = 0; page < <usize>pages; page++) {
    const a = power4(f32x4.pmin(f32x4.sub(v128.load(scores), base), most));
    const b = power4(f32x4.pmin(f32x4.sub(v128.load(scores, 16), base), most));
    const c = power4(f32x4.pmin(f32x4.sub(v128.load(scores, 32), base), most));
    const d = power4(f32x4.pmin(f32x4.sub(v128.load(scores, 48), base), most));
    const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 1, 4, 5), v128.shuffle<i32>(a, b, 2, 3, 6, 7));
    const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 1, 4, 5), v128.shuffle<i32>(c, d, 2, 3, 6, 7));
    v128.store(to, f32x4.add(v128.shuffle<i32>(ab, cd, 0, 2, 4, 6), v128.shuffle<i32>(ab, cd, 1, 3, 5, 7)));
    scores += 64;
    to += 16;
  }
}
