// Picks, of a head that ranked all pages, those whose runs are scored, and the channels that they are scored on.

import { pageOf } from "../pages";
import { maxLanes, sumLanes } from "../simd";
import { MASKED, power4 } from "../softmax";
import { argument } from "../team";
import { chooseChannels, SAMPLE, sampleSlot, sumRanges } from "./channels";
import { largest, ties } from "./largest";
import { noteLooks } from "./looks";
import { firstBoxScore } from "./score-boxes";
import { pickedPages } from "./shortlist";
import { beginBlocks, boundsOf, candidates, choice, groupSize, headQueries, headScales, pageScores, picked, pickedBlocks } from "./select";

/** Where pages have boxes: all of them. */
export function pickBoxes(kvHead: i32): void {
  const made = choice(kvHead);
  pickAll(made, candidates(kvHead));
  boundBoxes(kvHead, made);
  beginBlocks(kvHead, candidates(kvHead));
}

export function pick(kvHead: i32): void {
  const made = choice(kvHead);
  const pages = candidates(kvHead);
  const wanted = pickedPages(argument(9));
  sumShares(made, pages);
  if (wanted < pages) pickBest(made, pages, wanted);
  else pickAll(made, pages);
  for (let query = 0; query < groupSize(); query++) storeBound(made, query, 0);
  if (argument(21) > 0) noteLooks(kvHead);
  sumRanges(kvHead);
  chooseChannels(kvHead);
  beginBlocks(kvHead, load<i32>(made));
}

function pickAll(made: usize, pages: i32): void {
  store<i32>(made, pages);
  for (let index = 0; index < pages; index++) store<i32>(picked(made) + ((<usize>index) << 2), index);
}

/** One for all blocks. */
function storeBound(made: usize, query: i32, bound: f32): void {
  for (let block = 0; block < pickedBlocks(made); block++) store<f32>(boundsOf(made, block) + ((<usize>query) << 2), bound);
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
function pickBest(made: usize, pages: i32, wanted: i32): void {
  const shares = pageScores(made, groupSize());
  const threshold = largest(shares, pages, wanted);
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
