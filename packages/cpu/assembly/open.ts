// Runs of closed pages as open pages have them, and runs of far pages turned: copies that live as long as a chunk.

import { shortened } from "./turn";
import { closedRunValues, closedValues, INTEGER_NORM, keyBits, middlesOffset, rangeScale, rangesOffset } from "./pages";

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

/** Quants of 4 tokens x 2 channels in the high bytes of int16. */
export function quants8(pair: usize, run: usize): v128 {
  return v128.shuffle<i8>(i32x4.splat(0), v128.load64_zero(pair + (run << 3)), 0, 16, 0, 17, 0, 18, 0, 19, 0, 20, 0, 21, 0, 22, 0, 23);
}

export function quants4(pair: usize, run: usize): v128 {
  let bytes = v128.load64_zero(pair + ((run & 1) << 3));
  if (run < 2) bytes = i16x8.shl(bytes, 4);
  const quants = i8x16.sub(v128.and(bytes, i8x16.splat(<i8>0xf0)), i8x16.splat(120));
  return v128.shuffle<i8>(i32x4.splat(0), quants, 0, 16, 0, 17, 0, 18, 0, 19, 0, 20, 0, 21, 0, 22, 0, 23);
}

/** Keys int16 of quants in high bytes; `step` and `middle` of the pair of channels in every lane. */
export function openedKeys(quants: v128, step: v128, middle: v128): v128 {
  return i16x8.add_sat_s(i16x8.q15mulr_sat_s(quants, step), middle);
}

/** Keys of one run of a closed page, and their scales. */
export function openKeys(page: usize, run: usize, headSize: i32, to: usize): void {
  v128.store(to + openedScales(headSize), v128.load32_splat(page + rangesOffset(headSize) + rangeScale(headSize)));
  const bits = keyBits();
  const pairBytes: usize = bits == 8 ? 32 : 16;
  let steps = page + rangesOffset(headSize);
  const middles = middlesOffset(headSize);
  const end = steps + middles;
  while (steps < end) {
    const quants = bits == 8 ? quants8(page, run) : quants4(page, run);
    v128.store(to, openedKeys(quants, v128.load32_splat(steps), v128.load32_splat(steps + middles)));
    page += pairBytes;
    steps += 4;
    to += 16;
  }
}

/** Values of 4 bits of one run of a closed page. */
export function openValues(page: usize, run: usize, headSize: i32, to: usize): void {
  const bytes = closedRunValues(headSize);
  const from = page + closedValues(headSize) + run * bytes;
  const nibble = i8x16.splat(15);
  for (let i: usize = 0; i < bytes; i += 16) {
    const both = v128.load(from + i);
    const low = v128.and(both, nibble);
    const high = i8x16.shr_u(both, 4);
    v128.store(to + i, i8x16.sub(i8x16.add(low, low), nibble));
    v128.store(to + bytes + i, i8x16.sub(i8x16.add(high, high), nibble));
  }
}

/** Keys int16 of one run turned back by the angles whose (cos, sin) are at `turn`, f32 [E / 2, 2]. */
export function turnKeys(keys: usize, headSize: i32, turn: usize, to: usize): void {
  const end = keys + ((<usize>headSize) << 3);
  const factor: f32 = INTEGER_NORM;
  while (keys < end) {
    const cos = <i32>nearest(load<f32>(turn) * factor);
    const sin = <i32>nearest(load<f32>(turn, 4) * factor);
    const key = v128.load(keys);
    const a = shortened(i32x4.dot_i16x8_s(key, i32x4.splat((cos & 0xffff) | (sin << 16))));
    const b = shortened(i32x4.dot_i16x8_s(key, i32x4.splat((-sin & 0xffff) | (cos << 16))));
    v128.store(to, v128.or(v128.and(a, i32x4.splat(0xffff)), i32x4.shl(b, 16)));
    keys += 16;
    turn += 8;
    to += 16;
  }
}
