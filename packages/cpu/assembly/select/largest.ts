// The k-th largest of some numbers, exactly: digits of their bits are counted from the highest on, and what has the digit that the k-th
// has goes on to the next. Bits of positive floats are in the order of the floats.

import { BINS_BYTES } from "./select";

/** How many of those that equal the k-th are among the k. */
let equals: i32 = 0;

/** Of the last call. */
export function ties(): i32 {
  return equals;
}

/** The `count`-th largest of f32 [length] (none negative, more than `count`); `bins` is scratch. */
export function largest(values: usize, length: i32, count: i32, bins: usize): f32 {
  let prefix: u32 = 0;
  let left = count;
  for (let shift = 20; shift >= 0; shift -= 10) {
    const mask: u32 = shift == 20 ? 2047 : 1023;
    memory.fill(bins, 0, BINS_BYTES);
    const end = values + ((<usize>length) << 2);
    for (let at = values; at < end; at += 4) {
      const bits = load<u32>(at);
      // The digits above this one; all bits are 31.
      if (shift < 20 && bits >> (shift + 10) != prefix) continue;
      const bin = bins + ((<usize>((bits >> shift) & mask)) << 2);
      store<i32>(bin, load<i32>(bin) + 1);
    }
    let digit = mask;
    while (load<i32>(bins + ((<usize>digit) << 2)) < left) {
      left -= load<i32>(bins + ((<usize>digit) << 2));
      digit--;
    }
    prefix = shift == 20 ? digit : (prefix << 10) | digit;
  }
  equals = left;
  return reinterpret<f32>(prefix);
}
