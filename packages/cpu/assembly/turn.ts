// Vectors of int16 turned by the angles of a page: f32 [E / 2] of (cos, sin).

import { INTEGER_NORM } from "./pages";

/** Sums of products of 15 bits, in the units of one factor. */
export function shortened(x: v128): v128 {
  return i32x4.shr_s(i32x4.add(x, i32x4.splat(1 << 14)), 15);
}

/** Angles of 4 pairs as int16: cos sin cos sin ... */
function angles(turn: usize): v128 {
  const factor = f32x4.splat(INTEGER_NORM);
  const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(turn), factor)));
  const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(turn, 16), factor)));
  return i16x8.narrow_i32x4_s(low, high);
}

/** Turns `count` vectors of int16 [E], one behind the other: forth, or back. */
export function turnVectors(from: usize, count: i32, headSize: i32, turn: usize, back: bool, to: usize): void {
  const bytes = (<usize>headSize) << 1;
  for (let i: usize = 0; i < bytes; i += 16) {
    const both = angles(turn + (i << 1));
    const crossed = v128.shuffle<i8>(both, both, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    // Forth (a cos - b sin, a sin + b cos), back (a cos + b sin, b cos - a sin).
    const first = back ? both : negated(both, i32x4.splat(<i32>0xffff0000));
    const second = back ? negated(crossed, i32x4.splat(0x0000ffff)) : crossed;
    for (let at = i, left = count; left > 0; left--) {
      const x = v128.load(from + at);
      const a = shortened(i32x4.dot_i16x8_s(x, first));
      const b = shortened(i32x4.dot_i16x8_s(x, second));
      v128.store(to + at, v128.or(v128.and(a, i32x4.splat(0xffff)), i32x4.shl(b, 16)));
      at += bytes;
    }
  }
}

/** Changes the signs of the int16 that `where` has ones for. */
function negated(x: v128, where: v128): v128 {
  return i16x8.sub(v128.xor(x, where), where);
}
