// Runs of closed pages as open pages have them, and runs of far pages turned: copies that live as long as a chunk.

import { shortened } from "./turn";
import { closedRunValues, closedValues, closedValueScales, keyBits, middlesOffset, rangeScale, rangesOffset, VALUE_OFFSETS } from "./pages";

/** Bytes of an opened run: keys, their scales, values. */
export function openedBytes(headSize: i32): usize {
  return 12 * <usize>headSize + 16;
}

export function openedScales(headSize: i32): usize {
  return (<usize>headSize) << 3;
}

export function openedValues(headSize: i32): usize {
  return openedScales(headSize) + 16;
}

/** Eight bytes (the lower or the upper ones) as the high bytes of int16. */
function lowQuants(bytes: v128): v128 {
  return v128.shuffle<i8>(i32x4.splat(0), bytes, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

function highQuants(bytes: v128): v128 {
  return v128.shuffle<i8>(i32x4.splat(0), bytes, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Bytes of quants of 4 bits, of which the high halves are taken. */
export function halves(bytes: v128): v128 {
  return i8x16.sub(v128.and(bytes, i8x16.splat(<i8>0xf0)), i8x16.splat(120));
}

/** Keys int16 of quants in high bytes; `step` and `middle` of the pair of channels in every lane. */
function keysOf(quants: v128, step: v128, middle: v128): v128 {
  return i16x8.add_sat_s(i16x8.q15mulr_sat_s(quants, step), middle);
}

/** Keys of a pair of channels of a page's four runs, from its quants at `from` to one run every `stride` bytes. `Quant` is i8 for 8 bits. */
function openPair<Quant>(from: usize, step: v128, middle: v128, to: usize, stride: usize): void {
  let first = v128.load(from);
  let second = first;
  if (sizeof<Quant>() == 1) second = v128.load(from, 16);
  else {
    first = halves(i16x8.shl(first, 4));
    second = halves(second);
  }
  v128.store(to, keysOf(lowQuants(first), step, middle));
  v128.store(to + stride, keysOf(highQuants(first), step, middle));
  v128.store(to + 2 * stride, keysOf(lowQuants(second), step, middle));
  v128.store(to + 3 * stride, keysOf(highQuants(second), step, middle));
}

/** Keys of all four runs of a closed page, with their scales; a run every `stride` bytes. */
export function openPage(page: usize, headSize: i32, to: usize, stride: usize): void {
  const scale = v128.load32_splat(page + rangesOffset(headSize) + rangeScale(headSize));
  for (let run: usize = 0; run < 4; run++) v128.store(to + run * stride + openedScales(headSize), scale);
  if (keyBits() == 8) openPairs<i8>(page, headSize, to, stride);
  else openPairs<i16>(page, headSize, to, stride);
}

function openPairs<Quant>(page: usize, headSize: i32, to: usize, stride: usize): void {
  const middles = middlesOffset(headSize);
  let steps = page + rangesOffset(headSize);
  const end = steps + middles;
  while (steps < end) {
    openPair<Quant>(page, v128.load32_splat(steps), v128.load32_splat(steps + middles), to, stride);
    page += sizeof<Quant>() == 1 ? 32 : 16;
    steps += 4;
    to += 16;
  }
}

/** Keys of one run of a closed page, and their scales. */
export function openRun(page: usize, run: usize, headSize: i32, to: usize): void {
  v128.store(to + openedScales(headSize), v128.load32_splat(page + rangesOffset(headSize) + rangeScale(headSize)));
  const eight = keyBits() == 8;
  const shift = run < 2 ? 4 : 0;
  const middles = middlesOffset(headSize);
  let steps = page + rangesOffset(headSize);
  const end = steps + middles;
  page += eight ? run << 3 : (run & 1) << 3;
  while (steps < end) {
    const bytes = v128.load64_zero(page);
    const quants = lowQuants(eight ? bytes : halves(i16x8.shl(bytes, shift)));
    v128.store(to, keysOf(quants, v128.load32_splat(steps), v128.load32_splat(steps + middles)));
    page += eight ? 32 : 16;
    steps += 4;
    to += 16;
  }
}

/** Values of 4 bits of one run of a closed page. */
export function openValues(page: usize, run: usize, headSize: i32, to: usize): void {
  const bytes = closedRunValues(headSize);
  const from = page + closedValues(headSize) + run * bytes;
  const offsets = page + closedValueScales(headSize) + VALUE_OFFSETS + (run << 2);
  const first = v128.load16_splat(offsets);
  const second = v128.load16_splat(offsets + 2);
  // Eight times each half of a byte.
  const mask = i8x16.splat(0x78);
  for (let i: usize = 0; i < bytes; i += 16) {
    const both = v128.load(from + i);
    v128.store(to + i, i8x16.add(v128.and(i16x8.shl(both, 3), mask), first));
    v128.store(to + bytes + i, i8x16.add(v128.and(i16x8.shr_u(both, 1), mask), second));
  }
}

/** Keys int16 of one run turned back by the angles at `turn`: turn.ts. */
export function turnKeys(keys: usize, headSize: i32, turn: usize, to: usize): void {
  const end = keys + ((<usize>headSize) << 3);
  while (keys < end) {
    const key = v128.load(keys);
    const a = shortened(i32x4.dot_i16x8_s(key, v128.load32_splat(turn)));
    const b = shortened(i32x4.dot_i16x8_s(key, v128.load32_splat(turn, 4)));
    v128.store(to, v128.or(v128.and(a, i32x4.splat(0xffff)), i32x4.shl(b, 16)));
    keys += 16;
    turn += 8;
    to += 16;
  }
}
