// Vectors of int16 turned by the angles of a page: int16 [E / 2] of (cos, sin, -sin, cos), in units of 1 / 32767.

/** Sums of products of 15 bits, in the units of one factor. */
export function shortened(x: v128): v128 {
  return i32x4.shr_s(i32x4.add(x, i32x4.splat(1 << 14)), 15);
}

/** Turns `count` vectors of int16 [E], one behind the other: forth, or back. */
export function turnVectors(from: usize, count: i32, headSize: i32, turn: usize, back: bool, to: usize): void {
  const bytes = (<usize>headSize) << 1;
  for (let i: usize = 0; i < bytes; i += 16) {
    const low = v128.load(turn + (i << 1));
    const high = v128.load(turn + (i << 1), 16);
    const cosSin = v128.shuffle<i32>(low, high, 0, 2, 4, 6);
    const sinCos = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
    // Back (a cos + b sin, b cos - a sin), forth (a cos - b sin, a sin + b cos).
    const first = back ? cosSin : swapped(sinCos);
    const second = back ? sinCos : swapped(cosSin);
    for (let at = i, left = count; left > 0; left--) {
      const x = v128.load(from + at);
      const a = shortened(i32x4.dot_i16x8_s(x, first));
      const b = shortened(i32x4.dot_i16x8_s(x, second));
      v128.store(to + at, v128.or(v128.and(a, i32x4.splat(0xffff)), i32x4.shl(b, 16)));
      at += bytes;
    }
  }
}

/** The int16 of each pair the other way round. */
function swapped(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}
