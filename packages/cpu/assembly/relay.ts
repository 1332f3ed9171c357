// A file's rows of quantised blocks, re-laid as the tiles of product.ts. 4-bit types keep their bits; where a type's scales are products of
// two numbers (Q4_K), each is rounded once to f16 (a relative error of at most 2^-11). Other types come as f32 and become 8-bit tiles,
// with a scale for every 32 columns.

import { RELAY } from "./jobs";
import { TILE4, TILE8 } from "./product";
import { maxLanes } from "./simd";
import { argument, run, setArgument } from "./team";

/** What the rows to re-lay are. */
export const Q4_0: i32 = 0;
export const Q4_1: i32 = 1;
export const Q4_K: i32 = 2;
export const Q8_0: i32 = 3;
export const F32: i32 = 4;

/** Rows that no file has, behind the last, are zeros. */
export function relay(form: i32, source: usize, rows: i32, blocks: i32, tiles: usize): void {
  setArgument(0, form);
  setArgument(1, <i32>source);
  setArgument(2, rows);
  setArgument(3, blocks);
  setArgument(4, <i32>tiles);
  run(RELAY, (rows + 3) >> 2);
}

/** Four rows. */
export function performRelay(group: i32): void {
  const form = argument(0);
  const rows = argument(2);
  const blocks = argument(3);
  const four = form == Q4_0 || form == Q4_1 || form == Q4_K;
  const tileBytes = four ? TILE4 : TILE8;
  const rowBytes = <usize>blocks * blockBytes(form);
  const tiles = <usize>argument(4) + <usize>(group * blocks) * tileBytes;
  memory.fill(tiles, 0, <usize>blocks * tileBytes);
  const end = min(4, rows - group * 4);
  for (let lane = 0; lane < end; lane++) {
    const row = <usize>argument(1) + <usize>(group * 4 + lane) * rowBytes;
    for (let block = 0; block < blocks; block++) {
      const tile = tiles + <usize>block * tileBytes;
      if (form == Q4_0) relay40(row + <usize>block * 18, tile, <usize>lane);
      else if (form == Q4_1) relay41(row + <usize>block * 20, tile, <usize>lane);
      else if (form == Q4_K) relay4K(row + <usize>(block >> 3) * 144, block & 7, tile, <usize>lane);
      else if (form == Q8_0) relay80(row + <usize>block * 34, tile, <usize>lane);
      else relayF32(row + <usize>block * 128, tile, <usize>lane);
    }
  }
}

/** Bytes of 32 columns; a super-block of Q4_K has 256. */
function blockBytes(form: i32): usize {
  if (form == Q4_0) return 18;
  if (form == Q4_1) return 20;
  if (form == Q4_K) return 18;
  return form == Q8_0 ? 34 : 128;
}

function write4(tile: usize, lane: usize, q: v128, d: u16, m: u16): void {
  const to = tile + 4 * lane;
  store<i32>(to, i32x4.extract_lane(q, 0));
  store<i32>(to, i32x4.extract_lane(q, 1), 16);
  store<i32>(to, i32x4.extract_lane(q, 2), 32);
  store<i32>(to, i32x4.extract_lane(q, 3), 48);
  store<u16>(tile + 2 * lane, d, 64);
  store<u16>(tile + 2 * lane, m, 72);
}

function relay41(block: usize, tile: usize, lane: usize): void {
  write4(tile, lane, v128.load(block, 4), load<u16>(block), load<u16>(block, 2));
}

/** w = d (q - 8), so m = -8 d. */
function relay40(block: usize, tile: usize, lane: usize): void {
  write4(tile, lane, v128.load(block, 2), load<u16>(block), toF16(-8 * fromF16(load<u16>(block))));
}

/** Super-blocks of ggml-common.h's block_q4_K: f16 d and dmin, 12 bytes of 6-bit scales and minimums, 128 bytes of 4-bit quants. */
function relay4K(superBlock: usize, part: i32, tile: usize, lane: usize): void {
  const packed = superBlock + 4;
  let scale: i32;
  let minimum: i32;
  if (part < 4) {
    scale = load<u8>(packed + part) & 63;
    minimum = load<u8>(packed + part + 4) & 63;
  } else {
    scale = (load<u8>(packed + part + 4) & 15) | ((load<u8>(packed + part - 4) >> 6) << 4);
    minimum = (load<u8>(packed + part + 4) >> 4) | ((load<u8>(packed + part) >> 6) << 4);
  }
  // Parts 2 n and 2 n + 1 are the low and the high nibbles of the same 32 bytes.
  const quants = superBlock + 16 + <usize>(part >> 1) * 32;
  const shift = (part & 1) << 2;
  const mask = i8x16.splat(15);
  const first = v128.and(i8x16.shr_u(v128.load(quants), shift), mask);
  const second = v128.and(i8x16.shr_u(v128.load(quants, 16), shift), mask);
  const d = fromF16(load<u16>(superBlock)) * <f32>scale;
  const m = -fromF16(load<u16>(superBlock, 2)) * <f32>minimum;
  write4(tile, lane, v128.or(first, i8x16.shl(second, 4)), toF16(d), toF16(m));
}

function relay80(block: usize, tile: usize, lane: usize): void {
  write8(block + 2, tile, lane, load<u16>(block));
}

/** Pairs of columns in the order of 16-bit inputs (quantise.ts). */
function write8(quants: usize, tile: usize, lane: usize, d: u16): void {
  const to = tile + 2 * lane;
  for (let four: usize = 0; four < 4; four++) {
    for (let half: usize = 0; half < 2; half++) {
      const from = quants + 4 * four + 16 * half;
      const pair = to + 32 * four + 16 * half;
      store<u16>(pair, <u16>load<u8>(from) | ((<u16>load<u8>(from, 2)) << 8));
      store<u16>(pair, <u16>load<u8>(from, 1) | ((<u16>load<u8>(from, 3)) << 8), 8);
    }
  }
  store<u16>(tile + 2 * lane, d, 128);
}

/** In place: the row's f32 give way to the quants. */
function relayF32(values: usize, tile: usize, lane: usize): void {
  let most = f32x4.abs(v128.load(values));
  for (let i: usize = 16; i < 128; i += 16) most = f32x4.max(most, f32x4.abs(v128.load(values + i)));
  const d = toF16(maxLanes(most) / 127);
  const scale = fromF16(d);
  const factor = <f32>(scale > 0 ? 1 / <f64>scale : 0);
  for (let i: usize = 0; i < 32; i++) {
    const q = nearest<f32>(load<f32>(values + 4 * i) * factor);
    store<i8>(values + i, <i8>max<f32>(-127, min<f32>(127, q)));
  }
  write8(values, tile, lane, d);
}

export function fromF16(half: u16): f32 {
  const bits = ((<u32>half & 0x8000) << 16) | ((<u32>half & 0x7fff) << 13);
  return reinterpret<f32>(bits) * 5192296858534827628530496329220096.0;
}

/** To the nearest f16, ties to even, saturating; for finite numbers. */
export function toF16(x: f32): u16 {
  const sign = <u16>((reinterpret<u32>(x) >> 16) & 0x8000);
  const size = min(abs(x), 65504);
  // Adding a number whose last bit is worth what the f16's last bit is worth rounds as f32 rounds: to nearest, ties to even.
  if (size < 0.00006103515625) return sign | (<u16>reinterpret<u32>(size + 0.5) & 0x07ff);
  const bits = reinterpret<u32>(size);
  const rounded = bits + 0x0fff + ((bits >> 13) & 1);
  return sign | <u16>((rounded - 0x38000000) >> 13);
}
