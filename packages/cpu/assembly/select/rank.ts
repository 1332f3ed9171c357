// Scores of pages: of a query with the middles of their keys, as their landmarks have them. On a book, with more pages looked at than runs taken,
// this loses as little of what the best runs attend as bounds do, which say more and cost twice as much to read.

import { Four, One, Three, Two } from "../blocks";
import { FAR_ROTATION, POSITION, SLOT } from "../lists";
import { maxLanes, sumLanes } from "../simd";
import { MASKED, power4 } from "../softmax";
import { argument } from "../team";
import { touch } from "../touch";
import { generation, isOf, landmarkBytes, make, middlesOf, placeOf, ringOf, ringPages, unitOf } from "./landmarks";
import { pick } from "./pick";
import { scoreKeys } from "./score-keys";
import {
  blockEnd,
  blockOf,
  blockStart,
  boundsOf,
  candidates,
  choice,
  endsLastBlock,
  firstCandidate,
  groupSize,
  headOf,
  headQueries,
  headScales,
  isFar,
  isRecalled,
  pageScores,
  picked,
  selects,
  threadWords,
  threadChunk,
  threadScores,
} from "./select";
import { take } from "./take";

/** One block of a head's candidates; or of its shortlist, whose runs are scored at once. Whoever ends a head's last goes on with the head. */
export function performRank(item: i32): void {
  const kvHead = headOf(item);
  if (!selects(kvHead)) return;
  const recalled = isRecalled(kvHead);
  const start = blockStart(item);
  const end = blockEnd(item, recalled ? load<i32>(choice(kvHead)) : candidates(kvHead));
  if (start >= end) return;
  if (recalled) store<i32>(threadWords(threadChunk()), touchLandmarks(kvHead, start, end));
  rankPages(kvHead, start, end, recalled);
  if (recalled) {
    weighPages(kvHead, start, end);
    scoreKeys(kvHead, start, end, threadChunk());
  }
  if (!endsLastBlock(kvHead)) return;
  if (recalled) take(kvHead);
  else pick(kvHead);
}

/** Asks for what a block of the shortlist is ranked by: unlike all candidates, it does not lie in order. */
function touchLandmarks(kvHead: i32, start: i32, end: i32): i32 {
  const indices = picked(choice(kvHead));
  const first = firstCandidate(kvHead);
  const ring = ringOf(kvHead);
  const pages = ringPages();
  const bytes = landmarkBytes(argument(4));
  let touched = 0;
  for (let index = start; index < end; index++)
    touched += load<i32>(first + ((<usize>load<u32>(indices + ((<usize>index) << 2))) << 4), POSITION);
  for (let index = start; index < end; index++) {
    const position = load<i32>(first + ((<usize>load<u32>(indices + ((<usize>index) << 2))) << 4), POSITION);
    touched = touch(landmarkAt(ring, pages, bytes, position), bytes, touched);
  }
  return touched;
}

/** Of the page at a position; rarely is it past the ring's end, and a division takes as long as a third of a page. */
function landmarkAt(ring: usize, pages: u32, bytes: usize, position: i32): usize {
  const number = <u32>position >> 4;
  return ring + <usize>(number < pages ? number : number % pages) * bytes;
}

function rankPages(kvHead: i32, start: i32, end: i32, recalled: bool): void {
  const headSize = argument(4);
  const group = groupSize();
  const turned = threadScores(threadChunk());
  const stride = pageScores(0, 1) - pageScores(0, 0);
  const ring = ringOf(kvHead);
  const pages = ringPages();
  const current = generation();
  const bytes = landmarkBytes(headSize);
  const indices = picked(choice(kvHead));
  const queries = headQueries(kvHead, 0);
  const scales = headScales(kvHead, 0);
  const farQueries = headQueries(kvHead, FAR_ROTATION);
  const farScales = headScales(kvHead, FAR_ROTATION);
  const first = firstCandidate(kvHead);
  let to = pageScores(choice(kvHead), 0) + ((<usize>start) << 2);
  for (let index = start; index < end; index++) {
    const candidate = recalled ? load<i32>(indices + ((<usize>index) << 2)) : index;
    const entry = first + ((<usize>candidate) << 4);
    const slot = load<u32>(entry, SLOT);
    const position = load<i32>(entry, POSITION);
    const far = isFar(position);
    const landmark = landmarkAt(ring, pages, bytes, position);
    if (!isOf(landmark, current, slot, placeOf(position, far))) make(landmark, current, slot, position, far, turned);
    rankPage(middlesOf(landmark), far ? farQueries : queries, far ? farScales : scales, unitOf(landmark), group, headSize, to, stride);
    to += 4;
  }
}

/** Scores of a block of pages become 2^(score - the largest of the block). */
function weighPages(kvHead: i32, start: i32, end: i32): void {
  const made = choice(kvHead);
  for (let query = 0; query < groupSize(); query++) {
    const scores = pageScores(made, query);
    const from = scores + ((<usize>start) << 2);
    const to = scores + ((<usize>((end + 3) & ~3)) << 2);
    for (let at = scores + ((<usize>end) << 2); at < to; at += 4) store<f32>(at, MASKED);
    let most = f32x4.splat(MASKED);
    for (let at = from; at < to; at += 16) most = f32x4.pmax(most, v128.load(at));
    const bound = maxLanes(most);
    for (let at = from; at < to; at += 16) v128.store(at, power4(f32x4.sub(v128.load(at), f32x4.splat(bound))));
    store<f32>(boundsOf(made, blockOf(start)) + ((<usize>query) << 2), bound);
  }
}

function rankPage(middles: usize, queries: usize, scales: usize, unit: f32, group: i32, headSize: i32, to: usize, stride: usize): void {
  const bytes = (<usize>headSize) << 1;
  let left = group;
  for (; left > 4; left -= 3) {
    rankQueries<Three>(middles, queries, scales, unit, headSize, to, stride);
    queries += 3 * bytes;
    scales += 12;
    to += 3 * stride;
  }
  if (left == 4) rankQueries<Four>(middles, queries, scales, unit, headSize, to, stride);
  else if (left == 3) rankQueries<Three>(middles, queries, scales, unit, headSize, to, stride);
  else if (left == 2) rankQueries<Two>(middles, queries, scales, unit, headSize, to, stride);
  else rankQueries<One>(middles, queries, scales, unit, headSize, to, stride);
}

function rankQueries<T>(middles: usize, q: usize, scales: usize, unit: f32, headSize: i32, to: usize, stride: usize): void {
  const queries = offsetof<T>();
  const bytes = (<usize>headSize) << 1;
  const end = q + bytes;
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let c = i32x4.splat(0);
  let d = i32x4.splat(0);
  while (q < end) {
    const middle = v128.load8x8_s(middles);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load(q), middle));
    if (queries > 1) b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load(q + bytes), middle));
    if (queries > 2) c = i32x4.add(c, i32x4.dot_i16x8_s(v128.load(q + 2 * bytes), middle));
    if (queries > 3) d = i32x4.add(d, i32x4.dot_i16x8_s(v128.load(q + 3 * bytes), middle));
    middles += 8;
    q += 16;
  }
  store<f32>(to, scoreOf(a) * unit * load<f32>(scales));
  if (queries > 1) store<f32>(to + stride, scoreOf(b) * unit * load<f32>(scales, 4));
  if (queries > 2) store<f32>(to + 2 * stride, scoreOf(c) * unit * load<f32>(scales, 8));
  if (queries > 3) store<f32>(to + 3 * stride, scoreOf(d) * unit * load<f32>(scales, 12));
}

function scoreOf(dots: v128): f32 {
  return sumLanes(f32x4.convert_i32x4_s(dots));
}
