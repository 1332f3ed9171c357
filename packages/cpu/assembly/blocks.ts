// Where the time of attention goes: dot products of a chunk's keys and values with 16-bit queries and weights, exact in integers.
// What is loaded and widened serves a block of one to four queries, and two runs or eight channels at once, so that the sums stay in
// registers. A block's size is a type, so that each size is compiled for itself.

import { KEEP, SCALE, STATE_HEADER } from "./softmax";

/** Queries of a block: `offsetof` counts the fields. */
export class One {
  a: u8;
}
export class Two extends One {
  b: u8;
}
export class Three extends Two {
  c: u8;
}
export class Four extends Three {
  d: u8;
}

/** A chunk's runs as the kernels see them. */
export const RUNS_IN_CHUNK: usize = 16;
/** u32 [16] of a table of runs: addresses of their keys and values, as open pages have them, of the queries that meet them, and of the scales. */
export const KEYS: usize = 0;
export const KEY_SCALES: usize = 64;
export const VALUES: usize = 128;
export const VALUE_SCALES: usize = 192;
export const QUERIES: usize = 256;
export const QUERY_SCALES: usize = 320;
/** i32 [16, 4]: absolute positions of the runs' tokens. */
export const POSITIONS: usize = 384;
export const TABLE_BYTES: usize = 640;

/** Bytes of a query's scores and of its weights: f32 and i16 [16 runs, 4 tokens]. */
export const SCORES_BYTES: usize = 256;
export const WEIGHTS_BYTES: usize = 128;

/** Scores of `count` queries (from `query` on) with a chunk's runs, f32 [count][16 runs, 4]. */
export function score(table: usize, runs: i32, query: i32, count: i32, headSize: i32, scores: usize): void {
  let left = count;
  for (; left >= 6 || left == 4; left -= 4) {
    scoreBlock<Four>(table, runs, query, headSize, scores);
    query += 4;
    scores += 4 * SCORES_BYTES;
  }
  if (left == 5 || left == 3) {
    scoreBlock<Three>(table, runs, query, headSize, scores);
    query += 3;
    scores += 3 * SCORES_BYTES;
    left -= 3;
  }
  if (left == 2) scoreBlock<Two>(table, runs, query, headSize, scores);
  else if (left == 1) scoreBlock<One>(table, runs, query, headSize, scores);
}

/** Adds what a chunk's values come to, by their weights i16 [count][16 runs, 4], to the states of `count` queries. */
export function weighValues(table: usize, runs: i32, weights: usize, count: i32, headSize: i32, states: usize, stateStride: usize): void {
  let left = count;
  for (; left >= 6 || left == 4; left -= 4) {
    valuesBlock<Four>(table, runs, weights, headSize, states, stateStride);
    weights += 4 * WEIGHTS_BYTES;
    states += 4 * stateStride;
  }
  if (left == 5 || left == 3) {
    valuesBlock<Three>(table, runs, weights, headSize, states, stateStride);
    weights += 3 * WEIGHTS_BYTES;
    states += 3 * stateStride;
    left -= 3;
  }
  if (left == 2) valuesBlock<Two>(table, runs, weights, headSize, states, stateStride);
  else if (left == 1) valuesBlock<One>(table, runs, weights, headSize, states, stateStride);
}

function dot(sum: v128, widened: v128, splat: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(widened, splat));
}

function scoreBlock<T>(table: usize, runs: i32, query: i32, headSize: i32, scores: usize): void {
  const queries = offsetof<T>();
  const stride = (<usize>headSize) << 1;
  const end = table + ((<usize>runs) << 2);
  while (table < end) {
    const first = load<u32>(table, QUERIES);
    // The last run alone, or one that another rotation meets than the next, is its own partner.
    const pair: usize = table + 4 < end && load<u32>(table, QUERIES + 4) == first ? 4 : 0;
    let a = <usize>load<u32>(table, KEYS);
    let b = <usize>load<u32>(table + pair, KEYS);
    const aScales = v128.load(load<u32>(table, KEY_SCALES));
    const bScales = v128.load(load<u32>(table + pair, KEY_SCALES));
    let q = <usize>first + <usize>query * stride;
    const qEnd = q + stride;
    let q1 = qEnd;
    let q2 = q1 + stride;
    let q3 = q2 + stride;
    let a0 = i32x4.splat(0);
    let a1 = i32x4.splat(0);
    let a2 = i32x4.splat(0);
    let a3 = i32x4.splat(0);
    let b0 = i32x4.splat(0);
    let b1 = i32x4.splat(0);
    let b2 = i32x4.splat(0);
    let b3 = i32x4.splat(0);
    while (q < qEnd) {
      const ka = v128.load(a);
      const kb = v128.load(b);
      let splat = v128.load32_splat(q);
      a0 = dot(a0, ka, splat);
      b0 = dot(b0, kb, splat);
      if (queries > 1) {
        splat = v128.load32_splat(q1);
        a1 = dot(a1, ka, splat);
        b1 = dot(b1, kb, splat);
      }
      if (queries > 2) {
        splat = v128.load32_splat(q2);
        a2 = dot(a2, ka, splat);
        b2 = dot(b2, kb, splat);
      }
      if (queries > 3) {
        splat = v128.load32_splat(q3);
        a3 = dot(a3, ka, splat);
        b3 = dot(b3, kb, splat);
      }
      a += 16;
      b += 16;
      q += 4;
      q1 += 4;
      q2 += 4;
      q3 += 4;
    }
    const scales = <usize>load<u32>(table, QUERY_SCALES) + ((<usize>query) << 2);
    const to = scores + (pair << 2);
    storeScores(to, b0, bScales, scales);
    storeScores(scores, a0, aScales, scales);
    if (queries > 1) {
      storeScores(to + SCORES_BYTES, b1, bScales, scales + 4);
      storeScores(scores + SCORES_BYTES, a1, aScales, scales + 4);
    }
    if (queries > 2) {
      storeScores(to + 2 * SCORES_BYTES, b2, bScales, scales + 8);
      storeScores(scores + 2 * SCORES_BYTES, a2, aScales, scales + 8);
    }
    if (queries > 3) {
      storeScores(to + 3 * SCORES_BYTES, b3, bScales, scales + 12);
      storeScores(scores + 3 * SCORES_BYTES, a3, aScales, scales + 12);
    }
    table += 4 + pair;
    scores += 16 + (pair << 2);
  }
}

function storeScores(to: usize, dots: v128, keyScales: v128, queryScale: usize): void {
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(dots), f32x4.mul(keyScales, v128.load32_splat(queryScale))));
}

function valuesBlock<T>(table: usize, runs: i32, weights: usize, headSize: i32, states: usize, stateStride: usize): void {
  const queries = offsetof<T>();
  const pairBytes = (<usize>headSize) << 1;
  const weightsEnd = weights + ((<usize>runs) << 3);
  let channels: usize = 0;
  let to = states + STATE_HEADER;
  while (channels < pairBytes) {
    let a0 = i32x4.splat(0);
    let a1 = i32x4.splat(0);
    let a2 = i32x4.splat(0);
    let a3 = i32x4.splat(0);
    let b0 = i32x4.splat(0);
    let b1 = i32x4.splat(0);
    let b2 = i32x4.splat(0);
    let b3 = i32x4.splat(0);
    let address = table + VALUES;
    let weight = weights;
    while (weight < weightsEnd) {
      let v = <usize>load<u32>(address) + channels;
      let va = v128.load8x8_s(v);
      let vb = v128.load8x8_s(v, 8);
      let splat = v128.load32_splat(weight);
      a0 = dot(a0, va, splat);
      b0 = dot(b0, vb, splat);
      if (queries > 1) {
        splat = v128.load32_splat(weight, WEIGHTS_BYTES);
        a1 = dot(a1, va, splat);
        b1 = dot(b1, vb, splat);
      }
      if (queries > 2) {
        splat = v128.load32_splat(weight, 2 * WEIGHTS_BYTES);
        a2 = dot(a2, va, splat);
        b2 = dot(b2, vb, splat);
      }
      if (queries > 3) {
        splat = v128.load32_splat(weight, 3 * WEIGHTS_BYTES);
        a3 = dot(a3, va, splat);
        b3 = dot(b3, vb, splat);
      }
      v += pairBytes;
      va = v128.load8x8_s(v);
      vb = v128.load8x8_s(v, 8);
      splat = v128.load32_splat(weight, 4);
      a0 = dot(a0, va, splat);
      b0 = dot(b0, vb, splat);
      if (queries > 1) {
        splat = v128.load32_splat(weight, WEIGHTS_BYTES + 4);
        a1 = dot(a1, va, splat);
        b1 = dot(b1, vb, splat);
      }
      if (queries > 2) {
        splat = v128.load32_splat(weight, 2 * WEIGHTS_BYTES + 4);
        a2 = dot(a2, va, splat);
        b2 = dot(b2, vb, splat);
      }
      if (queries > 3) {
        splat = v128.load32_splat(weight, 3 * WEIGHTS_BYTES + 4);
        a3 = dot(a3, va, splat);
        b3 = dot(b3, vb, splat);
      }
      address += 4;
      weight += 8;
    }
    addValues(states, to, a0, b0);
    if (queries > 1) addValues(states + stateStride, to + stateStride, a1, b1);
    if (queries > 2) addValues(states + 2 * stateStride, to + 2 * stateStride, a2, b2);
    if (queries > 3) addValues(states + 3 * stateStride, to + 3 * stateStride, a3, b3);
    channels += 16;
    to += 32;
  }
}

function addValues(state: usize, to: usize, a: v128, b: v128): void {
  const keep = v128.load32_splat(state, KEEP);
  const scale = v128.load32_splat(state, SCALE);
  v128.store(to, f32x4.add(f32x4.mul(v128.load(to), keep), f32x4.mul(f32x4.convert_i32x4_s(a), scale)));
  v128.store(to, f32x4.add(f32x4.mul(v128.load(to, 16), keep), f32x4.mul(f32x4.convert_i32x4_s(b), scale)), 16);
}
