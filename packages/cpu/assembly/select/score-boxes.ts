// Scores of candidates by the boxes of their runs (box.ts): sum_c max(q_c, 0) h_c + min(q_c, 0) l_c. Plain boxes bound every key's score.

import { FAR_ROTATION, POSITION, SLOT } from "../lists";
import { boxBytes, boxesOffset, boxTokens, pageOf, PAGE_TOKENS } from "../pages";
import { sumLanes } from "../simd";
import { power4 } from "../softmax";
import { argument } from "../team";
import { turnVectors } from "../turn";
import {
  blockOf,
  boundsOf,
  choice,
  firstCandidate,
  groupSize,
  headQueries,
  headScales,
  isFar,
  threadScores,
  turnOf,
  weights,
} from "./select";

/** Candidates [first, end) of a head. */
export function scoreBoxes(kvHead: i32, first: i32, end: i32, chunk: usize): void {
  const headSize = argument(4);
  const boxes = <i32>PAGE_TOKENS / boxTokens();
  const parts = 4 / boxes;
  const turned = threadScores(chunk);
  const made = choice(kvHead);
  for (let query = 0; query < groupSize(); query++) {
    const bound = load<f32>(boundsOf(made, blockOf(first)) + ((<usize>query) << 2));
    for (let index = first; index < end; index++) {
      const entry = firstCandidate(kvHead) + ((<usize>index) << 4);
      const position = load<i32>(entry, POSITION);
      const far = isFar(position);
      const rotation = far ? FAR_ROTATION : 0;
      let q = headQueries(kvHead, rotation) + ((<usize>(query * headSize)) << 1);
      if (far) {
        turnVectors(q, 1, headSize, turnOf(position), false, turned);
        q = turned;
      }
      const scale = load<f32>(headScales(kvHead, rotation) + ((<usize>query) << 2));
      const to = weights(made, query) + ((<usize>index) << 4);
      let box = pageOf(load<u32>(entry, SLOT)) + boxesOffset(headSize);
      for (let run = 0; run < boxes; run++) {
        const score = f32x4.splat(min(boxScore(q, headSize, box) * scale - bound, 120));
        const weight = f32x4.extract_lane(power4(score), 0) / <f32>parts;
        // A box of 8 or 16 tokens speaks for runs of 4.
        for (let part = 0; part < parts; part++) store<f32>(to + ((<usize>(run * parts + part)) << 2), weight);
        box += boxBytes(headSize);
      }
    }
  }
}

/** Of a query i16 [E] and the first box of a page, in the query's units. */
export function firstBoxScore(q: usize, headSize: i32, page: usize): f32 {
  return boxScore(q, headSize, page + boxesOffset(headSize));
}

function boxScore(q: usize, headSize: i32, box: usize): f32 {
  const zero = i32x4.splat(0);
  const one = i16x8.splat(1);
  const nibble = i16x8.splat(15);
  let high = zero;
  let low = zero;
  let positives = zero;
  let negatives = zero;
  const end = box + <usize>headSize;
  const values = end;
  while (box < end) {
    const query = v128.load(q);
    const positive = i16x8.max_s(query, zero);
    const negative = i16x8.min_s(query, zero);
    const both = v128.load8x8_u(box);
    high = i32x4.add(high, i32x4.dot_i16x8_s(positive, v128.and(both, nibble)));
    low = i32x4.add(low, i32x4.dot_i16x8_s(negative, i16x8.shr_u(both, 4)));
    positives = i32x4.add(positives, i32x4.dot_i16x8_s(positive, one));
    negatives = i32x4.add(negatives, i32x4.dot_i16x8_s(negative, one));
    box += 8;
    q += 16;
  }
  const steps = load<f32>(values) * sumOf(high) + load<f32>(values, 4) * sumOf(low);
  return steps + load<f32>(values, 8) * sumOf(positives) + load<f32>(values, 12) * sumOf(negatives);
}

function sumOf(x: v128): f32 {
  return sumLanes(f32x4.convert_i32x4_s(x));
}
