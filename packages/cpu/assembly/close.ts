// Closes complete pages: quantises them into pages of the closed form, where there is one, and makes the boxes of their runs, where there
// are any. A channel's quants reach from the smallest of the page's 16 keys to the largest; a token's values have one scale, and of 4 bits an offset.

import { makeBoxes } from "./box";
import { CLOSE } from "./jobs";
import {
  boxTokens,
  CLOSED_NORM,
  closedRunValues,
  closedValues,
  closedValueScales,
  hasRanges,
  INTEGER_NORM,
  keyBits,
  middlesOffset,
  pageBytes,
  rangeScale,
  rangesOffset,
  runBytes,
  scalesOffset,
  VALUE_OFFSETS,
  valueBits,
  valuesOffset,
} from "./pages";
import { maxLanes } from "./simd";
import { argument, run, setArgument } from "./team";

/** @param closings u32 [count, 2]: a complete open page, and the page that takes it: a closed one, or itself where pages stay open. */
export function close(closings: usize, count: i32, headSize: i32): void {
  setArgument(0, <i32>closings);
  setArgument(1, headSize);
  run(CLOSE, count);
}

export function performClose(item: i32): void {
  const closing = <usize>argument(0) + ((<usize>item) << 3);
  const headSize = argument(1);
  const source = <usize>load<u32>(closing) * pageBytes(false);
  let target = source;
  if (keyBits() < 16) target = <usize>load<u32>(closing, 4) * pageBytes(true);
  if (keyBits() < 16 || hasRanges()) closeKeys(source, target, headSize);
  if (keyBits() < 16) closeValues(source, target, headSize);
  if (boxTokens() > 0) makeBoxes(source, target, headSize);
}

/** Keys of two tokens x 2 channels (the lower or the upper two of four), in units of `scales`, those of the run's tokens. */
export function lowKeys(keys: v128, scales: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(keys)), v128.shuffle<i32>(scales, scales, 0, 0, 1, 1));
}

export function highKeys(keys: v128, scales: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(keys)), v128.shuffle<i32>(scales, scales, 2, 2, 3, 3));
}

/** The other two tokens of two. */
export function swapped(x: v128): v128 {
  return v128.shuffle<i32>(x, x, 2, 3, 0, 1);
}

/** Ranges of a page's keys, and where it has a closed form their quants. */
function closeKeys(source: usize, target: usize, headSize: i32): void {
  const bytes = runBytes(headSize);
  const scales = source + scalesOffset(headSize);
  let longest = v128.load(scales);
  for (let run: usize = 1; run < 4; run++) longest = f32x4.max(longest, v128.load(scales + run * bytes));
  const unit = maxLanes(longest) * (INTEGER_NORM / CLOSED_NORM);
  const ranges = target + rangesOffset(headSize);
  store<f32>(ranges + rangeScale(headSize), unit);
  const factor = f32x4.splat(unit > 0 ? 1 / unit : 0);
  const bits = keyBits();
  // Of 8 bits -127 to 127, of 4 bits the odd numbers from -15 to 15.
  const levels: f32 = bits == 4 ? 15 : 127;
  const unitsOfStep: f32 = bits == 4 ? 16 : 128;
  const pairBytes: usize = bits == 8 ? 32 : 16;
  const middles = ranges + middlesOffset(headSize);
  for (let pair: usize = 0; pair < <usize>headSize >> 1; pair++) {
    const keys = source + (pair << 4);
    let least = f32x4.splat(f32.MAX_VALUE);
    let most = f32x4.splat(-f32.MAX_VALUE);
    for (let run: usize = 0; run < 4; run++) {
      const four = v128.load(keys + run * bytes);
      const scale = f32x4.mul(v128.load(scales + run * bytes), factor);
      const low = lowKeys(four, scale);
      const high = highKeys(four, scale);
      least = f32x4.min(least, f32x4.min(low, high));
      most = f32x4.max(most, f32x4.max(low, high));
    }
    least = f32x4.min(least, swapped(least));
    most = f32x4.max(most, swapped(most));
    const middle = f32x4.nearest(f32x4.mul(f32x4.add(least, most), f32x4.splat(0.5)));
    const reach = f32x4.max(f32x4.sub(most, middle), f32x4.sub(middle, least));
    const step = f32x4.nearest(f32x4.mul(reach, f32x4.splat(unitsOfStep / levels)));
    storePair(ranges + (pair << 2), step);
    storePair(middles + (pair << 2), middle);
    if (bits == 16) continue;
    const one = f32x4.splat(unitsOfStep);
    const inverse = v128.and(f32x4.div(one, step), f32x4.gt(step, f32x4.splat(0)));
    for (let run: usize = 0; run < 4; run++) {
      const four = v128.load(keys + run * bytes);
      const scale = f32x4.mul(v128.load(scales + run * bytes), factor);
      const low = f32x4.mul(f32x4.sub(lowKeys(four, scale), middle), inverse);
      const high = f32x4.mul(f32x4.sub(highKeys(four, scale), middle), inverse);
      const to = target + pair * pairBytes;
      if (bits == 8) v128.store64_lane(to + (run << 3), quants(low, high, levels), 0);
      else storeHalves(to + ((run & 1) << 3), halves(low, high), run >= 2);
    }
  }
}

/** Two integers of int16. */
function storePair(to: usize, x: v128): void {
  const words = i32x4.trunc_sat_f32x4_s(x);
  v128.store32_lane(to, i16x8.narrow_i32x4_s(words, words), 0);
}

/** Eight numbers as int8 of at most `levels`, in the lower eight bytes. */
function quants(low: v128, high: v128, levels: f32): v128 {
  const most = f32x4.splat(levels);
  const a = f32x4.nearest(f32x4.max(f32x4.min(low, most), f32x4.neg(most)));
  const b = f32x4.nearest(f32x4.max(f32x4.min(high, most), f32x4.neg(most)));
  const words = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(a), i32x4.trunc_sat_f32x4_s(b));
  return i8x16.narrow_i16x8_s(words, words);
}

/** Eight numbers as 0 to 15, which stand for -15 to 15. */
function halves(low: v128, high: v128): v128 {
  const half = f32x4.splat(0.5);
  const shift = f32x4.splat(7.5);
  const zero = f32x4.splat(0);
  const most = f32x4.splat(15);
  const a = f32x4.min(f32x4.max(f32x4.nearest(f32x4.add(f32x4.mul(low, half), shift)), zero), most);
  const b = f32x4.min(f32x4.max(f32x4.nearest(f32x4.add(f32x4.mul(high, half), shift)), zero), most);
  const words = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(a), i32x4.trunc_sat_f32x4_s(b));
  return i8x16.narrow_i16x8_s(words, words);
}

/** Stores eight halves of bytes: the low ones, or after them the high ones. */
function storeHalves(to: usize, halves: v128, high: bool): void {
  const bytes = high ? v128.or(v128.load64_zero(to), i16x8.shl(halves, 4)) : halves;
  v128.store64_lane(to, bytes, 0);
}

function closeValues(source: usize, target: usize, headSize: i32): void {
  const bytes = closedRunValues(headSize);
  const toScales = target + closedValueScales(headSize);
  for (let run: usize = 0; run < 4; run++) {
    const from = source + run * runBytes(headSize);
    const values = from + valuesOffset(headSize);
    const scales = from + scalesOffset(headSize) + 16;
    const to = target + closedValues(headSize) + run * bytes;
    if (valueBits() == 4) {
      halveValues(values, scales, bytes, to, false, toScales + (run << 4), toScales + VALUE_OFFSETS + (run << 2));
      halveValues(values + bytes, scales + 8, bytes, to, true, toScales + (run << 4) + 8, toScales + VALUE_OFFSETS + (run << 2) + 2);
    } else {
      v128.store(toScales + (run << 4), v128.load(scales));
      memory.copy(to, values, bytes);
    }
  }
}

/** Values of two tokens as halves of bytes, from the least, or 0, to the most, or 0, of each token; with their scales and offsets. */
function halveValues(values: usize, scales: usize, bytes: usize, to: usize, high: bool, toScales: usize, toOffsets: usize): void {
  let least = i8x16.splat(0);
  let most = i8x16.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    least = i8x16.min_s(least, v128.load(values + i));
    most = i8x16.max_s(most, v128.load(values + i));
  }
  // Tokens alternate.
  least = i8x16.min_s(least, swapped(least));
  most = i8x16.max_s(most, swapped(most));
  least = i8x16.min_s(least, v128.shuffle<i32>(least, least, 1, 0, 3, 2));
  most = i8x16.max_s(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
  least = i8x16.min_s(least, v128.shuffle<i16>(least, least, 1, 0, 3, 2, 5, 4, 7, 6));
  most = i8x16.max_s(most, v128.shuffle<i16>(most, most, 1, 0, 3, 2, 5, 4, 7, 6));
  const firstLeast = <f32>i8x16.extract_lane_s(least, 0);
  const secondLeast = <f32>i8x16.extract_lane_s(least, 1);
  const firstUnit = (<f32>i8x16.extract_lane_s(most, 0) - firstLeast) / 120;
  const secondUnit = (<f32>i8x16.extract_lane_s(most, 1) - secondLeast) / 120;
  const firstOffset = firstUnit > 0 ? nearest(firstLeast / firstUnit) : 0;
  const secondOffset = secondUnit > 0 ? nearest(secondLeast / secondUnit) : 0;
  store<f32>(toScales, load<f32>(scales) * firstUnit);
  store<f32>(toScales, load<f32>(scales, 4) * secondUnit, 4);
  store<i8>(toOffsets, <i8>firstOffset);
  store<i8>(toOffsets, <i8>secondOffset, 1);
  // As `halves` takes them: twice the quant, less 15.
  const factor = alternating(firstUnit > 0 ? 0.25 / firstUnit : 0, secondUnit > 0 ? 0.25 / secondUnit : 0);
  const shift = alternating(0.25 * firstOffset + 15, 0.25 * secondOffset + 15);
  for (let i: usize = 0; i < bytes; i += 8) {
    const words = v128.load8x8_s(values + i);
    const a = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), factor);
    const b = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), factor);
    storeHalves(to + i, halves(f32x4.sub(a, shift), f32x4.sub(b, shift)), high);
  }
}

function alternating(a: f32, b: f32): v128 {
  return v128.shuffle<i32>(f32x4.splat(a), f32x4.splat(b), 0, 4, 1, 5);
}
