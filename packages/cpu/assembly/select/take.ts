// Takes the runs with the largest shares of a head's attention and writes the list of what is attended: what comes before the candidates,
// the runs in order of position, what comes behind them.

import { COUNT, END, ENTRY_BYTES, FAR, FIRST, LENGTH, POSITION, ROTATION, SLOT } from "../lists";
import { AWAY, boxTokens, PAGE_TOKENS, RUN_TOKENS } from "../pages";
import { sumLanes } from "../simd";
import { MASKED, power4 } from "../softmax";
import { argument } from "../team";
import {
  blockEnd,
  blockLimit,
  blockStart,
  boundsOf,
  choice,
  endsLastBlock,
  firstCandidate,
  groupSize,
  headOf,
  isFar,
  isRecalled,
  list,
  pageScores,
  picked,
  pickedBlocks,
  record,
  selectedRecord,
  selects,
  threadChunk,
  weights,
} from "./select";
import { scoreBoxes } from "./score-boxes";
import { scoreKeys } from "./score-keys";
import { largest, ties } from "./largest";
import { remember } from "./shortlist";

/** One block of the pages that were picked for a head. Whoever does a head's last takes its runs. */
export function performScore(item: i32): void {
  const kvHead = headOf(item);
  if (!selects(kvHead) || isRecalled(kvHead)) return;
  const chunk = threadChunk();
  const end = blockEnd(item, load<i32>(choice(kvHead)));
  if (blockStart(item) >= end) return;
  if (boxTokens() > 0) scoreBoxes(kvHead, blockStart(item), end, chunk);
  else scoreKeys(kvHead, blockStart(item), end, chunk);
  if (endsLastBlock(kvHead)) take(kvHead);
}

/** Of a head whose runs are all scored. */
export function take(kvHead: i32): void {
  const head = record(kvHead);
  const to = selectedRecord(kvHead);
  const made = choice(kvHead);
  const shares = weights(made, groupSize());
  sumShares(made, shares);
  if (boxTokens() == 0) remember(kvHead, shares, pageScores(made, groupSize()));
  const runs = joinRuns(made, shares);
  const first = load<i32>(head, FIRST);
  const end = load<i32>(head, END);
  const behind = load<i32>(head, LENGTH) - end;
  // A list that is longer than it was said to be must not be written over another.
  if (first + argument(9) + behind > argument(15)) unreachable();
  const selected = <usize>argument(13) + <usize>(kvHead * argument(15)) * ENTRY_BYTES;
  memory.copy(selected, list(kvHead), <usize>first * ENTRY_BYTES);
  const threshold = largest(shares, runs, argument(9));
  let last = writeRuns(kvHead, shares, runs, threshold, selected + <usize>first * ENTRY_BYTES);
  memory.copy(last, list(kvHead) + <usize>end * ENTRY_BYTES, <usize>behind * ENTRY_BYTES);
  last += <usize>behind * ENTRY_BYTES;
  const length = <i32>((last - selected) / ENTRY_BYTES);
  store<i32>(to, length, LENGTH);
  store<i32>(to, length, FIRST);
  store<i32>(to, length, END);
}

/** Sums the group's shares of each run of 4 tokens of the picked pages to f32 [runs]. */
function sumShares(made: usize, shares: usize): void {
  const pages = load<i32>(made);
  const blocks = pickedBlocks(made);
  memory.fill(shares, 0, (<usize>pages) << 4);
  for (let query = 0; query < groupSize(); query++) {
    const from = weights(made, query);
    const bounds = boundsOf(made, 0) + ((<usize>query) << 2);
    const stride = boundsOf(made, 1) - boundsOf(made, 0);
    let most: f32 = MASKED;
    for (let block: usize = 0; block < <usize>blocks; block++) most = max(most, load<f32>(bounds + block * stride));
    let total = f32x4.splat(0);
    for (let block = 0, i: usize = 0; block < blocks; block++) {
      let sum = f32x4.splat(0);
      for (const end = blockLimit(block, pages) << 4; i < end; i += 16) sum = f32x4.add(sum, v128.load(from + i));
      total = f32x4.add(total, f32x4.mul(sum, power4(f32x4.splat(load<f32>(bounds + <usize>block * stride) - most))));
    }
    const sum = sumLanes(total);
    const unit = f32x4.splat(sum > 0 ? 1 / sum : 0);
    for (let block = 0, i: usize = 0; block < blocks; block++) {
      const factor = f32x4.mul(unit, power4(f32x4.splat(load<f32>(bounds + <usize>block * stride) - most)));
      for (const end = blockLimit(block, pages) << 4; i < end; i += 16)
        v128.store(shares + i, f32x4.add(v128.load(shares + i), f32x4.mul(v128.load(from + i), factor)));
    }
  }
}

/** Makes the shares of runs of 4 tokens, in their place, those of runs as long as they are taken; returns how many there are. */
function joinRuns(made: usize, shares: usize): i32 {
  const pages = load<i32>(made);
  const parts = argument(10) / RUN_TOKENS;
  if (parts == 1) return pages << 2;
  const runs = (pages << 2) / parts;
  for (let index = 0; index < runs; index++) {
    let sum: f32 = 0;
    for (let part = 0; part < parts; part++) sum += load<f32>(shares + ((<usize>(index * parts + part)) << 2));
    store<f32>(shares + ((<usize>index) << 2), sum);
  }
  return runs;
}

/** Writes the runs above a threshold, and the first of those that equal it; returns where the list goes on. Neighbours become one entry. */
function writeRuns(kvHead: i32, shares: usize, runs: i32, threshold: f32, to: usize): usize {
  const runTokens = argument(10);
  const inPage = <i32>PAGE_TOKENS / runTokens;
  const hits = <usize>argument(16);
  const entries = firstCandidate(kvHead);
  const indices = picked(choice(kvHead));
  const least = f32x4.splat(threshold);
  let equals = ties();
  let before = -2;
  for (let four = 0; four < runs; four += 4) {
    const values = v128.load(shares + ((<usize>four) << 2));
    if (!v128.any_true(f32x4.ge(values, least))) continue;
    for (let index = four; index < min(four + 4, runs); index++) {
      const share = load<f32>(shares + ((<usize>index) << 2));
      if (share < threshold || (share == threshold && equals == 0)) continue;
      if (share == threshold) equals--;
      const entry = entries + ((<usize>load<u32>(indices + ((<usize>(index / inPage)) << 2))) << 4);
      // Where nothing better is left runs without weight are taken: not of pages that are not here.
      if (load<u32>(entry, SLOT) & AWAY) continue;
      const token = (index % inPage) * runTokens;
      if (before == index - 1 && token > 0) store<i32>(to - ENTRY_BYTES, load<i32>(to - ENTRY_BYTES, COUNT) + runTokens, COUNT);
      else {
        writeRun(entry, token, runTokens, to);
        to += ENTRY_BYTES;
      }
      before = index;
      if (hits > 0) countHit(hits + ((<usize>(load<i32>(entry, POSITION) >> 4)) << 2));
    }
  }
  return to;
}

function writeRun(entry: usize, token: i32, runTokens: i32, to: usize): void {
  const position = load<i32>(entry, POSITION);
  store<u32>(to, load<u32>(entry, SLOT) + token, SLOT);
  store<i32>(to, position + token, POSITION);
  store<i32>(to, runTokens, COUNT);
  store<i32>(to, isFar(position) ? FAR : load<i32>(entry, ROTATION), ROTATION);
}

function countHit(hit: usize): void {
  if (ASC_FEATURE_THREADS) atomic.add<u32>(hit, 1);
  else store<u32>(hit, load<u32>(hit) + 1);
}
