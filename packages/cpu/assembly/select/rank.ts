// Scores of pages by the ranges of their keys: of a query, its product with the middles and a part of how far its product reaches from there,
//   q . middle + 0.35 sum_c |q_c| step_c
// On a book, with as many pages looked at as runs taken, this loses less of what the best runs attend than bounds do.

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

/** Of 0.35, what remains when |q| is divided by 4 so that sums fit 32 bits. */
const REACH: f32 = 1.4;

/** One block of a head's candidates. */
export function performRank(item: i32): void {
  const kvHead = item % argument(3);
  if (!selects(kvHead)) return;
  const headSize = argument(4);
  const group = groupSize();
  const chunk = threadChunk();
  const turned = threadScores(chunk);
  const near = headQueries(kvHead, 0);
  const far = headQueries(kvHead, FAR_ROTATION);
  const offset = rangesOffset(headSize);
  const scale = rangeScale(headSize);
  const end = blockEnd(item, candidates(kvHead));
  const stride = pageScores(0, 1) - pageScores(0, 0);
  let entry = firstCandidate(kvHead) + ((<usize>blockStart(item)) << 4);
  let touched = 0;
  for (let index = blockStart(item), at = entry; index < end; index++) {
    touched = touch(pageOf(load<u32>(at, SLOT)) + offset, scale + 4, touched);
    at += 16;
  }
  store<i32>(threadBins(chunk), touched);
  let to = pageScores(choice(kvHead), 0) + ((<usize>blockStart(item)) << 2);
  for (let index = blockStart(item); index < end; index++) {
    const ranges = pageOf(load<u32>(entry, SLOT)) + offset;
    const position = load<i32>(entry, POSITION);
    let queries = near;
    let scales = headScales(kvHead, 0);
    if (isFar(position)) {
      turnVectors(far, group, headSize, turnOf(position), false, turned);
      queries = turned;
      scales = headScales(kvHead, FAR_ROTATION);
    }
    rankPage(ranges, queries, scales, load<f32>(ranges + scale), group, headSize, to, stride);
    entry += 16;
    to += 4;
  }
}

function rankPage(ranges: usize, queries: usize, scales: usize, scale: f32, group: i32, headSize: i32, to: usize, stride: usize): void {
  const bytes = (<usize>headSize) << 1;
  let left = group;
  for (; left > 3; left -= left > 4 ? 3 : 4) {
    if (left == 4) {
      rankQueries<Four>(ranges, queries, scales, scale, headSize, to, stride);
      return;
    }
    rankQueries<Three>(ranges, queries, scales, scale, headSize, to, stride);
    queries += 3 * bytes;
    scales += 12;
    to += 3 * stride;
  }
  if (left == 3) rankQueries<Three>(ranges, queries, scales, scale, headSize, to, stride);
  else if (left == 2) rankQueries<Two>(ranges, queries, scales, scale, headSize, to, stride);
  else if (left == 1) rankQueries<One>(ranges, queries, scales, scale, headSize, to, stride);
}

function rankQueries<T>(ranges: usize, q: usize, scales: usize, scale: f32, headSize: i32, to: usize, stride: usize): void {
  const queries = offsetof<T>();
  const bytes = (<usize>headSize) << 1;
  const middles = middlesOffset(headSize);
  const end = q + bytes;
  let m0 = i32x4.splat(0);
  let m1 = i32x4.splat(0);
  let m2 = i32x4.splat(0);
  let m3 = i32x4.splat(0);
  let r0 = i32x4.splat(0);
  let r1 = i32x4.splat(0);
  let r2 = i32x4.splat(0);
  let r3 = i32x4.splat(0);
  while (q < end) {
    const step = v128.load(ranges);
    const middle = v128.load(ranges + middles);
    let query = v128.load(q);
    m0 = i32x4.add(m0, i32x4.dot_i16x8_s(query, middle));
    r0 = i32x4.add(r0, i32x4.dot_i16x8_s(quarter(query), step));
    if (queries > 1) {
      query = v128.load(q + bytes);
      m1 = i32x4.add(m1, i32x4.dot_i16x8_s(query, middle));
      r1 = i32x4.add(r1, i32x4.dot_i16x8_s(quarter(query), step));
    }
    if (queries > 2) {
      query = v128.load(q + 2 * bytes);
      m2 = i32x4.add(m2, i32x4.dot_i16x8_s(query, middle));
      r2 = i32x4.add(r2, i32x4.dot_i16x8_s(quarter(query), step));
    }
    if (queries > 3) {
      query = v128.load(q + 3 * bytes);
      m3 = i32x4.add(m3, i32x4.dot_i16x8_s(query, middle));
      r3 = i32x4.add(r3, i32x4.dot_i16x8_s(quarter(query), step));
    }
    ranges += 16;
    q += 16;
  }
  store<f32>(to, scoreOf(m0, r0) * scale * load<f32>(scales));
  if (queries > 1) store<f32>(to + stride, scoreOf(m1, r1) * scale * load<f32>(scales, 4));
  if (queries > 2) store<f32>(to + 2 * stride, scoreOf(m2, r2) * scale * load<f32>(scales, 8));
  if (queries > 3) store<f32>(to + 3 * stride, scoreOf(m3, r3) * scale * load<f32>(scales, 12));
}

function quarter(query: v128): v128 {
  return i16x8.shr_u(i16x8.abs(query), 2);
}

function scoreOf(middles: v128, reaches: v128): f32 {
  return sumLanes(f32x4.add(f32x4.convert_i32x4_s(middles), f32x4.mul(f32x4.convert_i32x4_s(reaches), f32x4.splat(REACH))));
}
