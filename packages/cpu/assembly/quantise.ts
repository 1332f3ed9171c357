// Inputs of products: blocks of 32 columns as integers with their scale, [blocks, rows]. A block is its quants, the scale (of 8 bits: one
// for each half) and the sum of the block's values as they were rounded, for the m of 4-bit weights; f32.
//
// 8 bits where relaxed SIMD multiplies them with 4-bit weights in one instruction, 16 bits otherwise: those lose nothing that matters.

import { NORM, QUANTISE, SILU } from "./jobs";
import { exp4, maxLanes, sumLanes } from "./simd";
import { argument, floatArgument, run, setArgument, setFloatArgument } from "./team";

export const BLOCK8: usize = 44;
export const BLOCK16: usize = 72;

/** Bits of the inputs of products with weights of so many bits. */
export function inputBits(weightBits: i32): i32 {
  return ASC_FEATURE_RELAXED_SIMD && weightBits == 4 ? 8 : 16;
}

/** Bytes of a block. */
export function inputBlockBytes(bits: i32): usize {
  return bits == 8 ? BLOCK8 : BLOCK16;
}

/** x f32 [rows, columns] into `out`. */
export function quantise(x: usize, rows: i32, columns: i32, out: usize, bits: i32): void {
  setArgument(0, <i32>x);
  setArgument(1, rows);
  setArgument(2, columns);
  setArgument(3, <i32>out);
  setArgument(4, bits);
  run(QUANTISE, rows);
}

export function performQuantise(row: i32): void {
  const columns = argument(2);
  quantiseRow(<usize>argument(0) + ((<usize>(row * columns)) << 2), row);
}

/** RMS norm of x f32 [rows, columns] with its weight [columns]; `normed` f32 [columns] for each row is scratch. */
export function norm(x: usize, rows: i32, columns: i32, out: usize, bits: i32, weight: usize, epsilon: f32, normed: usize): void {
  setArgument(0, <i32>normed);
  setArgument(1, rows);
  setArgument(2, columns);
  setArgument(3, <i32>out);
  setArgument(4, bits);
  setArgument(5, <i32>x);
  setArgument(6, <i32>weight);
  setFloatArgument(7, epsilon);
  run(NORM, rows);
}

export function performNorm(row: i32): void {
  const columns = argument(2);
  const offset = (<usize>(row * columns)) << 2;
  const normed = <usize>argument(0) + offset;
  const x = <usize>argument(5) + offset;
  const weight = <usize>argument(6);
  const bytes = (<usize>columns) << 2;
  let squares = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const values = v128.load(x + i);
    squares = f32x4.add(squares, f32x4.mul(values, values));
  }
  const scale = f32x4.splat(<f32>(1.0 / Math.sqrt(<f64>(sumLanes(squares) / <f32>columns + floatArgument(7)))));
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(normed + i, f32x4.mul(f32x4.mul(v128.load(x + i), scale), v128.load(weight + i)));
  }
  quantiseRow(normed, row);
}

/** silu(gate) * up of gateUp f32 [rows, 2 columns]; the product is written over the gate. */
export function siluMul(gateUp: usize, rows: i32, columns: i32, out: usize, bits: i32): void {
  setArgument(0, <i32>gateUp);
  setArgument(1, rows);
  setArgument(2, columns);
  setArgument(3, <i32>out);
  setArgument(4, bits);
  run(SILU, rows);
}

export function performSiluMul(row: i32): void {
  const bytes = (<usize>argument(2)) << 2;
  const gate = <usize>argument(0) + <usize>row * 2 * bytes;
  const one = f32x4.splat(1);
  for (let i: usize = 0; i < bytes; i += 16) {
    const g = v128.load(gate + i);
    const sigmoid = f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(g))));
    v128.store(gate + i, f32x4.mul(f32x4.mul(g, sigmoid), v128.load(gate + bytes + i)));
  }
  quantiseRow(gate, row);
}

function quantiseRow(x: usize, row: i32): void {
  const rows = argument(1);
  const blocks = argument(2) >> 5;
  const bits = argument(4);
  const blockBytes = inputBlockBytes(bits);
  let out = <usize>argument(3) + <usize>row * blockBytes;
  for (let block = 0; block < blocks; block++) {
    if (bits == 8) quantise8(x, out);
    else quantise16(x, out);
    x += 128;
    out += blockBytes * <usize>rows;
  }
}

function largest(x: usize, bytes: usize): f32 {
  let most = f32x4.abs(v128.load(x));
  for (let i: usize = 16; i < bytes; i += 16) most = f32x4.max(most, f32x4.abs(v128.load(x + i)));
  return maxLanes(most);
}

function rounded(x: usize, factor: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x), factor)));
}

/** A scale for each half of the block, which product.ts multiplies apart anyway. */
function quantise8(x: usize, out: usize): void {
  let sum: f32 = 0;
  for (let half: usize = 0; half < 2; half++) {
    const from = x + half * 64;
    const most = largest(from, 64);
    const factor = f32x4.splat(most > 0 ? 127 / most : 0);
    const a = i16x8.narrow_i32x4_s(rounded(from, factor), rounded(from + 16, factor));
    const b = i16x8.narrow_i32x4_s(rounded(from + 32, factor), rounded(from + 48, factor));
    v128.store(out + half * 16, i8x16.narrow_i16x8_s(a, b));
    const scale = most / 127;
    store<f32>(out + half * 4, scale, 32);
    sum += scale * sumLanes(f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(i16x8.add(a, b))));
  }
  store<f32>(out, sum, 40);
}

/** The quants' order is the one in which product.ts unpacks 4-bit weights: of each four columns 0 2 1 3, columns 16 + 4 j after 4 j. */
function quantise16(x: usize, out: usize): void {
  const most = largest(x, 128);
  const scale = most / 32767;
  const factor = f32x4.splat(most > 0 ? 32767 / most : 0);
  let sums = i32x4.splat(0);
  for (let four: usize = 0; four < 64; four += 16) {
    const a = rounded(x + four, factor);
    const b = rounded(x + 64 + four, factor);
    sums = i32x4.add(sums, i32x4.add(a, b));
    const order = v128.shuffle<i16>(i16x8.narrow_i32x4_s(a, b), a, 0, 2, 1, 3, 4, 6, 5, 7);
    v128.store(out + four, order);
  }
  store<f32>(out, scale, 64);
  // Exact: sums of 32 quants stay below 2^24.
  store<f32>(out, scale * sumLanes(f32x4.convert_i32x4_s(sums)), 68);
}
