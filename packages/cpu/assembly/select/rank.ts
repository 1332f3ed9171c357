// Scores of pages: of a query with the middles of their keys, as their landmarks have them. On a book, with more pages looked at than runs taken,
// this loses as little of what the best runs attend as bounds do, which say more and cost twice as much to read.

import { Four, One, Three, Two } from "../blocks";
import { FAR_ROTATION, POSITION, SLOT } from "../lists";
import { sumLanes } from "../simd";
import { argument } from "../team";
import { generation, isOf, landmarkBytes, make, middlesOf, placeOf, ringOf, ringPages, unitOf } from "./landmarks";
import {
  blockEnd,
  blockStart,
  candidates,
  choice,
  firstCandidate,
  groupSize,
  headQueries,
  headScales,
  isFar,
  pageScores,
  picked,
  selects,
  threadChunk,
  threadScores,
} from "./select";

/** One block of a head's candidates, or of those that it has picked already. */
export function performRank(item: i32): void {
  const kvHead = item % argument(3);
  if (!selects(kvHead)) return;
  const recalled = load<i32>(choice(kvHead));
  const start = blockStart(item);
  const end = blockEnd(item, recalled > 0 ? recalled : candidates(kvHead));
  if (start >= end) return;
  const headSize = argument(4);
  const group = groupSize();
  const turned = threadScores(threadChunk());
  const stride = pageScores(0, 1) - pageScores(0, 0);
  const ring = ringOf(kvHead);
  const pages = ringPages();
  const current = generation();
  const bytes = landmarkBytes(headSize);
  const indices = picked(choice(kvHead));
  let to = pageScores(choice(kvHead), 0) + ((<usize>start) << 2);
  for (let index = start; index < end; index++) {
    const candidate = recalled > 0 ? load<i32>(indices + ((<usize>index) << 2)) : index;
    const entry = firstCandidate(kvHead) + ((<usize>candidate) << 4);
    const slot = load<u32>(entry, SLOT);
    const position = load<i32>(entry, POSITION);
    const far = isFar(position);
    const landmark = ring + <usize>((<u32>position >> 4) % pages) * bytes;
    if (!isOf(landmark, current, slot, placeOf(position, far))) make(landmark, current, slot, position, far, turned);
    const rotation = far ? FAR_ROTATION : 0;
    const queries = headQueries(kvHead, rotation);
    rankPage(middlesOf(landmark), queries, headScales(kvHead, rotation), unitOf(landmark), group, headSize, to, stride);
    to += 4;
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
