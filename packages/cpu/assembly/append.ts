// Rotates a step's queries and keys and stores its keys and values in their pages.
//   (a, b) -> (a cos - b sin, a sin + b cos)   for each adjacent pair of channels
// Queries become 16-bit integers; [rotations][kvHeads][rows][group][E] i16, then a scale for each in
// the same order, f32, which has log2(e) / sqrt(E) in it: scores come out as powers of two.

import { APPEND } from "./jobs";
import { INTEGER_NORM, pageOf, runBytes, scalesOffset, valuesOffset } from "./pages";
import { maxLanes, sumLanes } from "./simd";
import { argument, run, setArgument } from "./team";

const LOG2_E: f32 = 1.4426950408889634;

/** Bytes of a step's quantised queries with their scales. */
export function queriesBytes(rotations: i32, rows: i32, heads: i32, headSize: i32): usize {
  return <usize>(rotations * rows * heads) * (((<usize>headSize) << 1) + 4);
}

/** Where the scales begin. */
export function queryScales(queries: usize, rotations: i32, rows: i32, heads: i32, headSize: i32): usize {
  return queries + ((<usize>(rotations * rows * heads) * <usize>headSize) << 1);
}

/**
 * @param qkv f32 [rows, (heads + 2 kvHeads) E]
 * @param table f32 [rotations, rows, E / 2] of (cos, sin); rotation 0 is each row's own position
 * @param slots u32 [kvHeads, rows], of open pages
 * @param queries `queriesBytes` of them
 */
export function append(
  qkv: usize,
  table: usize,
  rotations: i32,
  rows: i32,
  heads: i32,
  kvHeads: i32,
  headSize: i32,
  slots: usize,
  queries: usize,
): void {
  setArgument(0, <i32>qkv);
  setArgument(1, <i32>table);
  setArgument(2, rotations);
  setArgument(3, rows);
  setArgument(4, heads);
  setArgument(5, kvHeads);
  setArgument(6, headSize);
  setArgument(7, <i32>slots);
  setArgument(8, <i32>queries);
  run(APPEND, rows);
}

export function performAppend(row: i32): void {
  const rotations = argument(2);
  const rows = argument(3);
  const heads = argument(4);
  const kvHeads = argument(5);
  const headSize = argument(6);
  const queries = <usize>argument(8);
  const scales = queryScales(queries, rotations, rows, heads, headSize);
  const bytes = (<usize>headSize) << 2;
  const table = <usize>argument(1) + <usize>row * bytes;
  const group = heads / kvHeads;
  const source = <usize>argument(0) + <usize>row * <usize>(heads + 2 * kvHeads) * bytes;
  for (let rotation = 0; rotation < rotations; rotation++) {
    const turn = table + <usize>(rotation * rows) * bytes;
    for (let head = 0; head < heads; head++) {
      const index = ((rotation * kvHeads + head / group) * rows + row) * group + (head % group);
      const to = queries + ((<usize>(index * headSize)) << 1);
      storeQuery(source + <usize>head * bytes, turn, headSize, to, scales + ((<usize>index) << 2));
    }
  }
  const keys = source + <usize>heads * bytes;
  const values = keys + <usize>kvHeads * bytes;
  const slots = <usize>argument(7);
  for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
    const slot = load<u32>(slots + ((<usize>(kvHead * rows + row)) << 2));
    const address = pageOf(slot) + <usize>((slot >> 2) & 3) * runBytes(headSize);
    storeKey(keys + <usize>kvHead * bytes, table, headSize, address, <usize>(slot & 3));
    storeValue(values + <usize>kvHead * bytes, headSize, address, <usize>(slot & 3));
  }
}

/** Two pairs of channels, rotated. */
function rotated(x: usize, table: usize): v128 {
  const pairs = v128.load(x);
  const turns = v128.load(table);
  const cos = v128.shuffle<i32>(turns, turns, 0, 0, 2, 2);
  const sin = v128.xor(v128.shuffle<i32>(turns, turns, 1, 1, 3, 3), i32x4(<i32>0x80000000, 0, <i32>0x80000000, 0));
  return f32x4.add(f32x4.mul(pairs, cos), f32x4.mul(v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2), sin));
}

function rounded(x: v128, factor: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(x, factor)));
}

/** Rotation does not change it. */
function norm(x: usize, bytes: usize): f32 {
  let squares = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) squares = f32x4.add(squares, f32x4.mul(v128.load(x + i), v128.load(x + i)));
  return <f32>Math.sqrt(<f64>sumLanes(squares));
}

function storeQuery(x: usize, table: usize, headSize: i32, to: usize, scale: usize): void {
  const bytes = (<usize>headSize) << 2;
  const size = norm(x, bytes);
  const factor = f32x4.splat(size > 0 ? INTEGER_NORM / size : 0);
  for (let i: usize = 0; i < bytes; i += 32) {
    const low = rounded(rotated(x + i, table + i), factor);
    const high = rounded(rotated(x + i + 16, table + i + 16), factor);
    v128.store(to + (i >> 1), i16x8.narrow_i32x4_s(low, high));
  }
  store<f32>(scale, (size / INTEGER_NORM) * LOG2_E * <f32>(1.0 / Math.sqrt(<f64>headSize)));
}

/** Four integers of at most a byte as bytes 0 to 3. */
function narrowed(x: v128): v128 {
  const words = i16x8.narrow_i32x4_s(x, x);
  return i8x16.narrow_i16x8_s(words, words);
}

function storeKey(x: usize, table: usize, headSize: i32, address: usize, token: usize): void {
  const bytes = (<usize>headSize) << 2;
  const size = norm(x, bytes);
  const factor = f32x4.splat(size > 0 ? INTEGER_NORM / size : 0);
  const to = address + (token << 2);
  for (let i: usize = 0; i < bytes; i += 16) {
    const four = rounded(rotated(x + i, table + i), factor);
    const pairs = i16x8.narrow_i32x4_s(four, four);
    v128.store_lane<u32>(to + 2 * i, pairs, 0);
    v128.store_lane<u32>(to + 2 * i, pairs, 1, 16);
  }
  store<f32>(address + scalesOffset(headSize) + (token << 2), size / INTEGER_NORM);
}

function storeValue(x: usize, headSize: i32, address: usize, token: usize): void {
  const bytes = (<usize>headSize) << 2;
  let lanes = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) lanes = f32x4.max(lanes, f32x4.abs(v128.load(x + i)));
  const most = maxLanes(lanes);
  const factor = f32x4.splat(most > 0 ? 127 / most : 0);
  const to = address + valuesOffset(headSize) + (token >> 1) * ((<usize>headSize) << 1) + (token & 1);
  for (let i: usize = 0; i < bytes; i += 16) {
    const channels = narrowed(rounded(v128.load(x + i), factor));
    const at = to + (i >> 1);
    v128.store_lane<u8>(at, channels, 0);
    v128.store_lane<u8>(at, channels, 1, 2);
    v128.store_lane<u8>(at, channels, 2, 4);
    v128.store_lane<u8>(at, channels, 3, 6);
  }
  store<f32>(address + scalesOffset(headSize) + 16 + (token << 2), most / 127);
}
