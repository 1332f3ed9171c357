// Boxes of the runs of complete pages, for selection by bounds (Quest):
//   h = mean + shrink (max - mean),  l = mean + shrink (min - mean)    of each channel of a run's rotated keys
// A box: u8 [E], h in the low half of a byte and l in the high half, then f32 [4]: steps of h and of l, offsets of h and of l.

import { highKeys, lowKeys, swapped } from "./close";
import { boxBytes, boxesOffset, boxShrink, boxTokens, runBytes, scalesOffset } from "./pages";

/** Boxes of an open page's runs, at the end of the page `target`. */
export function makeBoxes(source: usize, target: usize, headSize: i32): void {
  const runs = <usize>(boxTokens() >> 2);
  let box = target + boxesOffset(headSize);
  for (let run: usize = 0; run < 4; run += runs) {
    makeBox(source + run * runBytes(headSize), runs, headSize, box);
    box += boxBytes(headSize);
  }
}

function makeBox(keys: usize, runs: usize, headSize: i32, box: usize): void {
  const pairs = <usize>headSize >> 1;
  let least = f32x4.splat(f32.MAX_VALUE);
  let most = f32x4.splat(-f32.MAX_VALUE);
  for (let pair: usize = 0; pair < pairs; pair++) {
    const bounds = boundsOf(keys, runs, headSize, pair);
    least = f32x4.min(least, bounds);
    most = f32x4.max(most, bounds);
  }
  // Of both channels of a pair: h h l l.
  least = f32x4.min(least, v128.shuffle<i32>(least, least, 1, 0, 3, 2));
  most = f32x4.max(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
  const step = f32x4.mul(f32x4.sub(most, least), f32x4.splat(1 / 15));
  const inverse = v128.and(f32x4.div(f32x4.splat(1), step), f32x4.gt(step, f32x4.splat(0)));
  for (let pair: usize = 0; pair < pairs; pair++) {
    const bounds = boundsOf(keys, runs, headSize, pair);
    const quants = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(f32x4.sub(bounds, least), inverse)));
    const both = v128.or(quants, i32x4.shl(swapped(quants), 4));
    store<u8>(box + 2 * pair, <u8>i32x4.extract_lane(both, 0));
    store<u8>(box + 2 * pair, <u8>i32x4.extract_lane(both, 1), 1);
  }
  v128.store(box + <usize>headSize, v128.shuffle<i32>(step, least, 0, 2, 4, 6));
}

/** h and l of a pair of channels of some runs that lie together: h h l l. */
function boundsOf(keys: usize, runs: usize, headSize: i32, pair: usize): v128 {
  let least = f32x4.splat(f32.MAX_VALUE);
  let most = f32x4.splat(-f32.MAX_VALUE);
  let sum = f32x4.splat(0);
  for (let run: usize = 0; run < runs; run++) {
    const address = keys + run * runBytes(headSize);
    const four = v128.load(address + (pair << 4));
    const scales = v128.load(address + scalesOffset(headSize));
    const low = lowKeys(four, scales);
    const high = highKeys(four, scales);
    least = f32x4.min(least, f32x4.min(low, high));
    most = f32x4.max(most, f32x4.max(low, high));
    sum = f32x4.add(sum, f32x4.add(low, high));
  }
  const mean = f32x4.mul(f32x4.add(sum, swapped(sum)), f32x4.splat(0.25 / <f32>runs));
  const bounds = v128.shuffle<i32>(f32x4.max(most, swapped(most)), f32x4.min(least, swapped(least)), 0, 1, 4, 5);
  return f32x4.add(mean, f32x4.mul(f32x4.sub(bounds, mean), f32x4.splat(boxShrink())));
}
