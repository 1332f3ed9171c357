// Scores of pages: of a query with the middles of their keys. On a book, with a quarter more pages looked at than runs taken, this loses as
// little of what the best runs attend as bounds do, which say more and cost twice as much to read.

import { Four, One, Three, Two } from "../blocks";
import { FAR_ROTATION, POSITION, SLOT } from "../lists";
import { middlesOffset, pageOf, rangeScale, rangesOffset } from "../pages";
import { sumLanes } from "../simd";
import { argument } from "../team";
import { touch } from "../touch";
import { turnVectors } from "../turn";
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
  selects,
  threadBins,
  threadChunk,
  threadScores,
  turnOf,
} from "./select";

/** One block of a head's candidates. */
export function performRank(item: i32): void {
  const kvHead = item % argument(3);
  if (!selects(kvHead)) return;
  const headSize = argument(4);
  const group = groupSize();
  const chunk = threadChunk();
  const offset = rangesOffset(headSize) + middlesOffset(headSize);
  const scale = rangeScale(headSize) - middlesOffset(headSize);
  const end = blockEnd(item, candidates(kvHead));
  const stride = pageScores(0, 1) - pageScores(0, 0);
  let entry = firstCandidate(kvHead) + ((<usize>blockStart(item)) << 4);
  let to = pageScores(choice(kvHead), 0) + ((<usize>blockStart(item)) << 2);
  let touched = 0;
  for (let index = blockStart(item), at = entry; index < end; index++) {
    touched = touch(pageOf(load<u32>(at, SLOT)) + offset, scale + 4, touched);
    at += 16;
  }
  store<i32>(threadBins(chunk), touched);
  for (let index = blockStart(item); index < end; index++) {
    let middles = pageOf(load<u32>(entry, SLOT)) + offset;
    const unit = load<f32>(middles + scale);
    const position = load<i32>(entry, POSITION);
    const far = isFar(position);
    if (far) {
      const turned = threadScores(chunk);
      turnVectors(middles, 1, headSize, turnOf(position), true, turned);
      middles = turned;
    }
    const rotation = far ? FAR_ROTATION : 0;
    rankPage(middles, headQueries(kvHead, rotation), headScales(kvHead, rotation), unit, group, headSize, to, stride);
    entry += 16;
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
    const middle = v128.load(middles);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load(q), middle));
    if (queries > 1) b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load(q + bytes), middle));
    if (queries > 2) c = i32x4.add(c, i32x4.dot_i16x8_s(v128.load(q + 2 * bytes), middle));
    if (queries > 3) d = i32x4.add(d, i32x4.dot_i16x8_s(v128.load(q + 3 * bytes), middle));
    middles += 16;
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
