// Landmarks: the middles of the keys of a head's pages in 8 bits, side by side, so that ranking reads memory in order instead of a line or two
// of every page. A landmark says of which page it is, and is made anew from the page where that is not the one on the list: nobody need keep
// landmarks in step with pages. Those of far pages are turned back, once instead of at every step.
//   u32 generation, u32 slot, u32 place, f32 unit; int8 [E] middles in that unit, up to a multiple of 16

import { middlesOffset, rangeScale, rangesOf } from "../pages";
import { argument } from "../team";
import { turnVectors } from "../turn";
import { turnOf } from "./select";

const HEADER: usize = 16;

// Of the table of a layer: u32 generation, pages of a head's ring, then the address of each KV head's ring, and of its shortlist.
const RING_PAGES: usize = 4;
const RINGS: usize = 8;

/** Bytes of a landmark. */
export function landmarkBytes(headSize: i32): usize {
  return HEADER + ((<usize>headSize + 15) & ~15);
}

/** Of the pages of this step; all others are void. */
export function generation(): u32 {
  return load<u32>(<usize>argument(20));
}

/** Pages of a ring. */
export function ringPages(): u32 {
  return load<u32>(<usize>argument(20), RING_PAGES);
}

/** A head's landmarks: that of a page is at the remainder of its number by position. */
export function ringOf(kvHead: i32): usize {
  return load<usize>(<usize>argument(20) + RINGS + ((<usize>kvHead) << 2));
}

/** A head's shortlist. */
export function shortlistOf(kvHead: i32): usize {
  return load<usize>(<usize>argument(20) + RINGS + ((<usize>(argument(3) + kvHead)) << 2));
}

export function unitOf(landmark: usize): f32 {
  return load<f32>(landmark, 12);
}

export function middlesOf(landmark: usize): usize {
  return landmark + HEADER;
}

/** What a landmark says of its page: its position, which is a multiple of 16, and whether it is far. */
export function placeOf(position: i32, far: bool): u32 {
  return <u32>position | <u32>far;
}

export function isOf(landmark: usize, generation: u32, slot: u32, place: u32): bool {
  return load<u32>(landmark) == generation && load<u32>(landmark, 4) == slot && load<u32>(landmark, 8) == place;
}

/** Makes a landmark that of a page; `turned` is scratch, int16 [E]. */
export function make(landmark: usize, generation: u32, slot: u32, position: i32, far: bool, turned: usize): void {
  const headSize = argument(4);
  const ranges = rangesOf(slot, headSize);
  let middles = ranges + middlesOffset(headSize);
  if (far) {
    turnVectors(middles, 1, headSize, turnOf(position), true, turned);
    middles = turned;
  }
  store<f32>(landmark, load<f32>(ranges + rangeScale(headSize)) * shorten(middles, headSize, middlesOf(landmark)), 12);
  store<u32>(landmark, generation);
  store<u32>(landmark, slot, 4);
  store<u32>(landmark, placeOf(position, far), 8);
}

/** Int16 [E] as int8 [E]; returns their unit. */
function shorten(from: usize, headSize: i32, to: usize): f32 {
  const bytes = (<usize>headSize) << 1;
  let reach = i16x8.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) reach = i16x8.max_s(reach, i16x8.abs(v128.load(from + i)));
  reach = i16x8.max_s(reach, v128.shuffle<i64>(reach, reach, 1, 0));
  reach = i16x8.max_s(reach, v128.shuffle<i32>(reach, reach, 1, 0, 3, 2));
  reach = i16x8.max_s(reach, v128.shuffle<i16>(reach, reach, 1, 0, 3, 2, 5, 4, 7, 6));
  const most = <f32>i16x8.extract_lane_s(reach, 0);
  const factor = f32x4.splat(most > 0 ? 127 / most : 0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const low = f32x4.mul(f32x4.convert_i32x4_s(v128.load16x4_s(from + i)), factor);
    const high = f32x4.mul(f32x4.convert_i32x4_s(v128.load16x4_s(from + i, 8)), factor);
    const words = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(f32x4.nearest(low)), i32x4.trunc_sat_f32x4_s(f32x4.nearest(high)));
    v128.store64_lane(to + (i >> 1), i8x16.narrow_i16x8_s(words, words), 0);
  }
  return most / 127;
}
