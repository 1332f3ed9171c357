// Picks, of a head, the pages whose runs are scored, and the channels that they are scored on: those on which a query's product varies most
// within a page, by the ranges of 16 of the pages, summed over the group. Channels are taken by fours, which lie together.

import { FAR_ROTATION, SLOT } from "../lists";
import { boxTokens, pageOf, rangeScale, rangesOf } from "../pages";
import { maxLanes, sumLanes } from "../simd";
import { MASKED, power4 } from "../softmax";
import { argument } from "../team";
import { largest, ties } from "./largest";
import { noteLooks } from "./looks";
import { firstBoxScore } from "./score-boxes";
import { pickedPages } from "./shortlist";
import {
  candidates,
  choice,
  chosenPairs,
  chosenQueries,
  chosenScales,
  chosenStride,
  firstCandidate,
  groupSize,
  headQueries,
  headScales,
  pageScores,
  pairsOf,
  picked,
  selects,
  threadBins,
  threadChunk,
  threadScores,
  weights,
} from "./select";

const SAMPLE: i32 = 16;

export function performPick(kvHead: i32): void {
  if (!selects(kvHead)) return;
  const made = choice(kvHead);
  const pages = candidates(kvHead);
  const chunk = threadChunk();
  if (boxTokens() > 0) {
    pickAll(made, pages);
    boundBoxes(kvHead, made);
    return;
  }
  const recalled = load<i32>(made);
  const wanted = pickedPages(argument(9));
  sumShares(made, recalled > 0 ? recalled : pages);
  if (recalled == 0) {
    if (wanted < pages) pickBest(made, pages, wanted, threadBins(chunk));
    else pickAll(made, pages);
    if (argument(21) > 0) noteLooks(kvHead);
  }
  sumRanges(kvHead, threadScores(chunk));
  choosePairs(kvHead, threadScores(chunk), threadBins(chunk), pairsOf(made));
  chooseQueries(kvHead, made, false);
  if (argument(1) > FAR_ROTATION) chooseQueries(kvHead, made, true);
}

function pickAll(made: usize, pages: i32): void {
  store<i32>(made, pages);
  for (let index = 0; index < pages; index++) store<i32>(picked(made) + ((<usize>index) << 2), index);
}

function storeBound(made: usize, query: i32, bound: f32): void {
  store<f32>(made + ((<usize>query) << 2), bound, 4);
}

/** Bounds of the scores by boxes: the largest of 16 pages' first. */
function boundBoxes(kvHead: i32, made: usize): void {
  const headSize = argument(4);
  for (let query = 0; query < groupSize(); query++) {
    const q = headQueries(kvHead, 0) + ((<usize>(query * headSize)) << 1);
    let most: f32 = MASKED;
    for (let index = 0; index < SAMPLE; index++) most = max(most, firstBoxScore(q, headSize, pageOf(sampleSlot(kvHead, index))));
    storeBound(made, query, most * load<f32>(headScales(kvHead, 0) + ((<usize>query) << 2)));
  }
}

/** Slot of one of 16 candidates from the first to the last. */
function sampleSlot(kvHead: i32, index: i32): u32 {
  return load<u32>(firstCandidate(kvHead) + ((<usize>((index * candidates(kvHead)) / SAMPLE)) << 4), SLOT);
}

/** The share of the group's attention that each of the ranked pages has by its score; scores become 2^(score - the largest). */
function sumShares(made: usize, pages: i32): void {
  const shares = pageScores(made, groupSize());
  const tail = (<usize>pages) << 2;
  const end = (tail + 15) & ~15;
  memory.fill(shares, 0, end);
  for (let query = 0; query < groupSize(); query++) {
    const scores = pageScores(made, query);
    for (let i = tail; i < end; i += 4) store<f32>(scores + i, MASKED);
    let most = f32x4.splat(MASKED);
    for (let i: usize = 0; i < end; i += 16) most = f32x4.pmax(most, v128.load(scores + i));
    const base = f32x4.splat(maxLanes(most));
    let total = f32x4.splat(0);
    for (let i: usize = 0; i < end; i += 16) {
      const weight = power4(f32x4.sub(v128.load(scores + i), base));
      total = f32x4.add(total, weight);
      v128.store(scores + i, weight);
    }
    const factor = f32x4.splat(1 / sumLanes(total));
    for (let i: usize = 0; i < end; i += 16)
      v128.store(shares + i, f32x4.add(v128.load(shares + i), f32x4.mul(v128.load(scores + i), factor)));
  }
}

/** The pages with the largest shares, the first of equals, in order; their scores move up to be those of what is picked. */
function pickBest(made: usize, pages: i32, wanted: i32, bins: usize): void {
  const shares = pageScores(made, groupSize());
  const threshold = largest(shares, pages, wanted, bins, weights(made, 0));
  let equals = ties();
  let to = picked(made);
  for (let index = 0; index < pages; index++) {
    const share = load<f32>(shares + ((<usize>index) << 2));
    if (share < threshold || (share == threshold && equals-- <= 0)) continue;
    const place = to - picked(made);
    for (let query = 0; query < groupSize(); query++)
      store<f32>(pageScores(made, query) + place, load<f32>(pageScores(made, query) + ((<usize>index) << 2)));
    store<i32>(to, index);
    to += 4;
  }
  store<i32>(made, wanted);
}

/** Sums the steps of 16 candidates, f32 [E]. */
function sumRanges(kvHead: i32, sums: usize): void {
  const headSize = argument(4);
  const bytes = (<usize>headSize) << 2;
  memory.fill(sums, 0, bytes);
  for (let index = 0; index < SAMPLE; index++) {
    const ranges = rangesOf(sampleSlot(kvHead, index), headSize);
    const scale = v128.load32_splat(ranges + rangeScale(headSize));
    for (let i: usize = 0; i < bytes; i += 16) {
      const steps = f32x4.convert_i32x4_s(v128.load16x4_s(ranges + (i >> 1)));
      v128.store(sums + i, f32x4.add(v128.load(sums + i), f32x4.mul(steps, scale)));
    }
  }
}

/** Takes the fours of channels with the largest sum, over the group, of squared products of query and range; the first of equals. */
function choosePairs(kvHead: i32, ranges: usize, sums: usize, chosen: usize): void {
  const headSize = argument(4);
  const fours = <usize>headSize >> 2;
  memory.fill(sums, 0, fours << 2);
  for (let query = 0; query < groupSize(); query++) {
    const q = headQueries(kvHead, 0) + ((<usize>(query * headSize)) << 1);
    const scale = load<f32>(headScales(kvHead, 0) + ((<usize>query) << 2));
    for (let four: usize = 0; four < fours; four++) {
      const products = f32x4.mul(f32x4.convert_i32x4_s(v128.load16x4_s(q + (four << 3))), v128.load(ranges + (four << 4)));
      const sum = sumLanes(f32x4.mul(products, products)) * scale * scale;
      store<f32>(sums + (four << 2), load<f32>(sums + (four << 2)) + sum);
    }
  }
  for (let left = chosenPairs(headSize) >> 1; left > 0; left--) {
    let best: usize = 0;
    let most: f32 = -2;
    for (let four: usize = 0; four < fours; four++) {
      const sum = load<f32>(sums + (four << 2));
      if (sum > most) {
        most = sum;
        best = four;
      }
    }
    store<f32>(sums + (best << 2), -1);
    store<u32>(chosen, <u32>(best << 1));
    store<u32>(chosen, <u32>((best << 1) + 1), 4);
    chosen += 8;
  }
}

/** A head's queries on the chosen pairs. */
function chooseQueries(kvHead: i32, made: usize, far: bool): void {
  const headSize = argument(4);
  const rotation = far ? FAR_ROTATION : 0;
  const count = chosenPairs(headSize);
  const chosen = chosenQueries(made, far);
  memory.copy(chosenScales(chosen), headScales(kvHead, rotation), (<usize>groupSize()) << 2);
  for (let query = 0; query < groupSize(); query++) {
    const from = headQueries(kvHead, rotation) + ((<usize>(query * headSize)) << 1);
    const to = chosen + <usize>query * chosenStride(headSize);
    for (let index: usize = 0; index < <usize>count; index++)
      store<u32>(to + (index << 2), load<u32>(from + ((<usize>load<u32>(pairsOf(made) + (index << 2))) << 2)));
  }
}
