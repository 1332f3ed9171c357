// Products of quantised weights with quantised rows: y[r, n] = sum over k of w[n, k] x[r, k], where most of a step's time goes.
//
// Weights lie in tiles of 4 output rows x 32 columns, so that a lane belongs to an output row and no sum across lanes is ever needed
// (relay.ts makes them); a tile's columns are one block of the file, with its scales. Inputs lie in blocks of 32 columns with their own
// scale (quantise.ts), block after block and in each block row after row, so that a tile meets all rows while it is in registers.
//
// A block's products are summed exactly, in integers; blocks are added in order, in f32: a row's result does not depend on how many
// rows there are.

import { PRODUCT } from "./jobs";
import { BLOCK16, BLOCK8 } from "./quantise";
import { loadF16x4 } from "./simd";
import { argument, run, setArgument } from "./team";

/** Bytes of a tile of 4-bit weights, w = d q + m: 64 of q, then 4 d and 4 m in f16. */
export const TILE4: usize = 80;
/** Bytes of a tile of 8-bit weights, w = d q: 128 of q, then 4 d in f16. */
export const TILE8: usize = 136;

/** Groups of four output rows in an item: some microseconds of work for one row. */
const GROUPS: i32 = 16;
/** Rows that meet a weight while it is in registers. */
const ROWS: i32 = 16;
/** Bytes that an item sums in: an f32x4 and an i32x4 for each row of a tile. */
const SCRATCH: usize = 32 * <usize>ROWS;

/**
 * @param tiles [rowsOut / 4, blocks]
 * @param bits 4 or 8
 * @param x quantised inputs [blocks, rows]
 * @param xBits of the inputs: 16, or 8 for 4-bit tiles where relaxed SIMD multiplies those
 * @param y f32 [rows, stride]
 * @param rowsOut output rows, a multiple of 4
 * @param accumulate 1 to add to y instead of writing it
 * @param scratch see `productScratch`
 */
export function product(
  tiles: usize,
  bits: i32,
  x: usize,
  xBits: i32,
  y: usize,
  rows: i32,
  rowsOut: i32,
  blocks: i32,
  stride: i32,
  accumulate: i32,
  scratch: usize,
): void {
  setArgument(0, <i32>tiles);
  setArgument(1, bits);
  setArgument(2, <i32>x);
  setArgument(3, <i32>y);
  setArgument(4, rows);
  setArgument(5, rowsOut >> 2);
  setArgument(6, blocks);
  setArgument(7, stride);
  setArgument(8, accumulate);
  setArgument(9, <i32>scratch);
  setArgument(10, xBits);
  run(PRODUCT, items(rowsOut));
}

/** Bytes of scratch for a product with so many output rows. */
export function productScratch(rowsOut: i32): usize {
  return <usize>items(rowsOut) * SCRATCH;
}

function items(rowsOut: i32): i32 {
  return ((rowsOut >> 2) + GROUPS - 1) / GROUPS;
}

export function performProduct(item: i32): void {
  const bits = argument(1);
  const rows = argument(4);
  const blocks = argument(6);
  const stride = (<usize>argument(7)) << 2;
  const accumulate = argument(8) != 0;
  const short = ASC_FEATURE_RELAXED_SIMD && argument(10) == 8;
  const xBytes = short ? BLOCK8 : BLOCK16;
  const groupBytes = <usize>blocks * (bits == 4 ? TILE4 : TILE8);
  const first = item * GROUPS;
  const end = min(first + GROUPS, argument(5));
  const sums = <usize>argument(9) + <usize>item * SCRATCH;
  // A tile of rows stays in the first cache while the item's weights pass, and the weights in the second while the tiles pass.
  for (let row = 0; row < rows; row += ROWS) {
    const tile = min(rows - row, ROWS);
    const x = <usize>argument(2) + <usize>row * xBytes;
    let w = <usize>argument(0) + <usize>first * groupBytes;
    let y = <usize>argument(3) + <usize>row * stride + ((<usize>first) << 4);
    for (let group = first; group < end; group++) {
      if (tile == 1) {
        let sum: v128;
        if (bits == 8) sum = row8x16(w, x, rows, blocks);
        else if (ASC_FEATURE_RELAXED_SIMD && short) sum = row4x8(w, x, rows, blocks);
        else sum = row4x16(w, x, rows, blocks);
        write(y, sum, accumulate);
      } else {
        if (bits == 8) rows8x16(w, x, sums, tile, rows, blocks);
        else if (ASC_FEATURE_RELAXED_SIMD && short) rows4x8(w, x, sums, tile, rows, blocks);
        else rows4x16(w, x, sums, tile, rows, blocks);
        for (let i: usize = 0; i < <usize>tile; i++) write(y + i * stride, v128.load(sums + (i << 4)), accumulate);
      }
      w += groupBytes;
      y += 16;
    }
  }
}

function write(y: usize, sum: v128, accumulate: bool): void {
  v128.store(y, accumulate ? f32x4.add(v128.load(y), sum) : sum);
}

/** a b + c; rounded once where relaxed SIMD can, in every row alike. */
function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** sum + d xScale q.x + m xSum: a block's part of four output rows. `scale` points at the input's scale and sum. */
function addBlock4(sum: v128, dots: v128, d: v128, m: v128, scale: usize): v128 {
  const scales = f32x4.mul(d, v128.load32_splat(scale));
  return multiplyAdd(scales, f32x4.convert_i32x4_s(dots), multiplyAdd(m, v128.load32_splat(scale, 4), sum));
}

function addBlock8(sum: v128, dots: v128, d: v128, scale: usize): v128 {
  return multiplyAdd(f32x4.mul(d, v128.load32_splat(scale)), f32x4.convert_i32x4_s(dots), sum);
}

// 4-bit weights, 8-bit inputs (relaxed SIMD). Byte 4 r + i of vector j of a tile holds columns 4 j + i (low) and 16 + 4 j + i (high) of
// output row r. The weights are the operand of 7 bits, so every engine computes the same, exactly.

/** Sums of half a block fit 16 bits: 4 x (127 x 15 x 2) = 15240. */
function dot8(x: usize, w: v128, sum: v128): v128 {
  return i16x8.add(sum, i16x8.relaxed_dot_i8x16_i7x16_s(v128.load32_splat(x), w));
}

function low(w: v128): v128 {
  return v128.and(w, i8x16.splat(15));
}

function high(w: v128): v128 {
  return v128.and(i16x8.shr_u(w, 4), i8x16.splat(15));
}

/** The halves of an input block have scales of their own, at `scale`; then comes the sum. */
function addHalves(sum: v128, first: v128, second: v128, d: v128, m: v128, scale: usize): v128 {
  const half = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(first)), v128.load32_splat(scale));
  const both = multiplyAdd(f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(second)), v128.load32_splat(scale, 4), half);
  return multiplyAdd(d, both, multiplyAdd(m, v128.load32_splat(scale, 8), sum));
}

function row4x8(w: usize, x: usize, rows: i32, blocks: i32): v128 {
  const step = <usize>rows * BLOCK8;
  let sum = f32x4.splat(0);
  for (let block = 0; block < blocks; block++) {
    const w0 = v128.load(w);
    let first = dot8(x, low(w0), i16x8.splat(0));
    let second = dot8(x + 16, high(w0), i16x8.splat(0));
    const w1 = v128.load(w, 16);
    first = dot8(x + 4, low(w1), first);
    second = dot8(x + 20, high(w1), second);
    const w2 = v128.load(w, 32);
    first = dot8(x + 8, low(w2), first);
    second = dot8(x + 24, high(w2), second);
    const w3 = v128.load(w, 48);
    first = dot8(x + 12, low(w3), first);
    second = dot8(x + 28, high(w3), second);
    sum = addHalves(sum, first, second, loadF16x4(w + 64), loadF16x4(w + 72), x + 32);
    w += TILE4;
    x += step;
  }
  return sum;
}

/** `tile` of the `rows` rows; their sums f32x4 [tile] to `sums`. */
function rows4x8(w: usize, x: usize, sums: usize, tile: i32, rows: i32, blocks: i32): void {
  const skip = <usize>(rows - tile) * BLOCK8;
  memory.fill(sums, 0, (<usize>tile) << 4);
  const end = sums + ((<usize>tile) << 4);
  for (let block = 0; block < blocks; block++) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const w2 = v128.load(w, 32);
    const w3 = v128.load(w, 48);
    const l0 = low(w0);
    const l1 = low(w1);
    const l2 = low(w2);
    const l3 = low(w3);
    const h0 = high(w0);
    const h1 = high(w1);
    const h2 = high(w2);
    const h3 = high(w3);
    const d = loadF16x4(w + 64);
    const m = loadF16x4(w + 72);
    for (let sum = sums; sum < end; sum += 16) {
      const first = dot8(x + 12, l3, dot8(x + 8, l2, dot8(x + 4, l1, dot8(x, l0, i16x8.splat(0)))));
      const second = dot8(x + 28, h3, dot8(x + 24, h2, dot8(x + 20, h1, dot8(x + 16, h0, i16x8.splat(0)))));
      v128.store(sum, addHalves(v128.load(sum), first, second, d, m, x + 32));
      x += BLOCK8;
    }
    w += TILE4;
    x += skip;
  }
}

// 16-bit inputs. A 16-bit lane of a vector of 4-bit weights holds two columns of a row in each of its four nibbles' places, so a mask and
// a shift unpack without widening; quantise.ts stores the inputs in the order that this gives, and relay.ts 8-bit weights too.

function dot16(x: usize, w: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(v128.load32_splat(x), w));
}

function nibbles(w: v128, shift: i32): v128 {
  return v128.and(i16x8.shr_u(w, shift), i16x8.splat(15));
}

function row4x16(w: usize, x: usize, rows: i32, blocks: i32): v128 {
  const step = <usize>rows * BLOCK16;
  let sum = f32x4.splat(0);
  for (let block = 0; block < blocks; block++) {
    let dots = i32x4.splat(0);
    for (let i: usize = 0; i < 64; i += 16) {
      const q = v128.load(w + i);
      dots = dot16(x + i + 4, nibbles(q, 8), dot16(x + i, v128.and(q, i16x8.splat(15)), dots));
      dots = dot16(x + i + 12, i16x8.shr_u(q, 12), dot16(x + i + 8, nibbles(q, 4), dots));
    }
    sum = addBlock4(sum, dots, loadF16x4(w + 64), loadF16x4(w + 72), x + 64);
    w += TILE4;
    x += step;
  }
  return sum;
}

function rows4x16(w: usize, x: usize, sums: usize, tile: i32, rows: i32, blocks: i32): void {
  const bytes = (<usize>tile) << 4;
  const dots = sums + bytes;
  memory.fill(sums, 0, bytes);
  for (let block = 0; block < blocks; block++) {
    memory.fill(dots, 0, bytes);
    half4x16(w, x, dots, tile);
    half4x16(w + 32, x + 32, dots, tile);
    const d = loadF16x4(w + 64);
    const m = loadF16x4(w + 72);
    let scale = x + 64;
    for (let i: usize = 0; i < bytes; i += 16) {
      v128.store(sums + i, addBlock4(v128.load(sums + i), v128.load(dots + i), d, m, scale));
      scale += BLOCK16;
    }
    w += TILE4;
    x += <usize>rows * BLOCK16;
  }
}

/** Eight of a block's sixteen vectors stay in registers while all rows pass. */
function half4x16(w: usize, x: usize, dots: usize, rows: i32): void {
  const a = v128.load(w);
  const b = v128.load(w, 16);
  const mask = i16x8.splat(15);
  eight(
    v128.and(a, mask),
    nibbles(a, 8),
    nibbles(a, 4),
    i16x8.shr_u(a, 12),
    v128.and(b, mask),
    nibbles(b, 8),
    nibbles(b, 4),
    i16x8.shr_u(b, 12),
    x,
    dots,
    rows,
  );
}

function eight(a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128, x: usize, dots: usize, rows: i32): void {
  for (let row = 0; row < rows; row++) {
    let sum = dot16(x + 4, b, dot16(x, a, v128.load(dots)));
    sum = dot16(x + 12, d, dot16(x + 8, c, sum));
    sum = dot16(x + 20, f, dot16(x + 16, e, sum));
    v128.store(dots, dot16(x + 28, h, dot16(x + 24, g, sum)));
    dots += 16;
    x += BLOCK16;
  }
}

// 8-bit weights, 16-bit inputs. Bytes 2 r and 2 r + 1 of the k-th eight of a tile belong to row r and the k-th two inputs.

function row8x16(w: usize, x: usize, rows: i32, blocks: i32): v128 {
  const step = <usize>rows * BLOCK16;
  let sum = f32x4.splat(0);
  for (let block = 0; block < blocks; block++) {
    let dots = i32x4.splat(0);
    for (let i: usize = 0; i < 64; i += 16) {
      const q = w + 2 * i;
      dots = dot16(x + i + 4, v128.load8x8_s(q, 8), dot16(x + i, v128.load8x8_s(q), dots));
      dots = dot16(x + i + 12, v128.load8x8_s(q, 24), dot16(x + i + 8, v128.load8x8_s(q, 16), dots));
    }
    sum = addBlock8(sum, dots, loadF16x4(w + 128), x + 64);
    w += TILE8;
    x += step;
  }
  return sum;
}

function rows8x16(w: usize, x: usize, sums: usize, tile: i32, rows: i32, blocks: i32): void {
  const bytes = (<usize>tile) << 4;
  const dots = sums + bytes;
  memory.fill(sums, 0, bytes);
  for (let block = 0; block < blocks; block++) {
    memory.fill(dots, 0, bytes);
    half8x16(w, x, dots, tile);
    half8x16(w + 64, x + 32, dots, tile);
    const d = loadF16x4(w + 128);
    let scale = x + 64;
    for (let i: usize = 0; i < bytes; i += 16) {
      v128.store(sums + i, addBlock8(v128.load(sums + i), v128.load(dots + i), d, scale));
      scale += BLOCK16;
    }
    w += TILE8;
    x += <usize>rows * BLOCK16;
  }
}

function half8x16(w: usize, x: usize, dots: usize, rows: i32): void {
  eight(
    v128.load8x8_s(w),
    v128.load8x8_s(w, 8),
    v128.load8x8_s(w, 16),
    v128.load8x8_s(w, 24),
    v128.load8x8_s(w, 32),
    v128.load8x8_s(w, 40),
    v128.load8x8_s(w, 48),
    v128.load8x8_s(w, 56),
    x,
    dots,
    rows,
  );
}
