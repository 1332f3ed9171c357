// The k-th largest of some numbers, exactly: digits of their bits are counted from the highest on, and what has the digit that the k-th has goes
// on to the next. Bits of floats that are not negative are in the order of the floats.

/** Values of the first digit, the largest. */
const DIGITS: usize = 2048;
/** Bytes of the bins that digits are counted in. */
export const BINS_BYTES: usize = 4 * DIGITS;

/** How many of those that equal the k-th are among the k. */
let equals: i32 = 0;

/** Of the last call. */
export function ties(): i32 {
  return equals;
}

/** The `count`-th largest of u32 [length], the bits of floats; `bins` is scratch, and so is `rest`, u32 [length]. */
export function largest(values: usize, length: i32, count: i32, bins: usize, rest: usize): f32 {
  let bits: u32 = 0;
  let left = count;
  // 31 bits: 11, 10 and 10.
  for (let shift = 20; shift >= 0; shift -= 10) {
    const mask: u32 = shift == 20 ? <u32>DIGITS - 1 : 1023;
    memory.fill(bins, 0, (<usize>mask + 1) << 2);
    const end = values + ((<usize>length) << 2);
    for (let at = values; at < end; at += 4) {
      const bin = bins + ((<usize>((load<u32>(at) >> shift) & mask)) << 2);
      store<i32>(bin, load<i32>(bin) + 1);
    }
    let digit = mask;
    for (let counted = load<i32>(bins + (digit << 2)); counted < left; counted = load<i32>(bins + (digit << 2))) {
      left -= counted;
      digit--;
    }
    bits |= digit << shift;
    if (shift == 0) break;
    let to = rest;
    for (let at = values; at < end; at += 4) {
      const value = load<u32>(at);
      store<u32>(to, value);
      if (((value >> shift) & mask) == digit) to += 4;
    }
    values = rest;
    length = <i32>((to - rest) >> 2);
  }
  equals = left;
  return reinterpret<f32>(bits);
}
