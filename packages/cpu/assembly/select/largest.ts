// What the k largest of some numbers reach. Bits of floats that are not negative are in the order of the floats, so that a range of bits is halved
// until exactly k numbers reach its lower end. A pass counts four numbers at once, which beats a sort by digits for as many as there are here.

import { maxLanes } from "../simd";

/** Bits from a float to one twice as large. */
const OCTAVE: i32 = 1 << 23;

/** How many of those that equal what was found are among the k. */
let equals: i32 = 0;

/** Of the last call. */
export function ties(): i32 {
  return equals;
}

/** A number that `count` of f32 [length] reach, none of them negative; where several equal the last of these, that, and `ties` of them count. */
export function largest(values: usize, length: i32, count: i32): f32 {
  let above = 1 + reinterpret<i32>(most(values, length));
  let aboveReached = 0;
  let step = OCTAVE;
  let low = max(0, above - step);
  let reached = countFrom(values, length, low);
  // Near the largest first.
  while (reached < count && low > 0) {
    above = low;
    aboveReached = reached;
    step <<= 1;
    low = max(0, low - step);
    reached = countFrom(values, length, low);
  }
  while (reached != count && above - low > 1) {
    const middle = low + ((above - low) >> 1);
    const reachMiddle = countFrom(values, length, middle);
    if (reachMiddle >= count) {
      low = middle;
      reached = reachMiddle;
    } else {
      above = middle;
      aboveReached = reachMiddle;
    }
  }
  equals = reached == count ? i32.MAX_VALUE : count - aboveReached;
  return reinterpret<f32>(low);
}

function most(values: usize, length: i32): f32 {
  const end = values + ((<usize>length) << 2);
  const whole = values + ((<usize>(length & ~3)) << 2);
  let lanes = f32x4.splat(0);
  let at = values;
  for (; at < whole; at += 16) lanes = f32x4.pmax(lanes, v128.load(at));
  let found = maxLanes(lanes);
  for (; at < end; at += 4) found = max(found, load<f32>(at));
  return found;
}

/** How many have at least these bits. */
function countFrom(values: usize, length: i32, bits: i32): i32 {
  const end = values + ((<usize>length) << 2);
  const whole = values + ((<usize>(length & ~3)) << 2);
  const least = i32x4.splat(bits);
  let counts = i32x4.splat(0);
  let at = values;
  for (; at < whole; at += 16) counts = i32x4.sub(counts, i32x4.ge_s(v128.load(at), least));
  let count = i32x4.extract_lane(counts, 0) + i32x4.extract_lane(counts, 1) + i32x4.extract_lane(counts, 2) + i32x4.extract_lane(counts, 3);
  for (; at < end; at += 4) count += <i32>(load<i32>(at) >= bits);
  return count;
}
