// The softmax of attention, in pieces: a state is what some keys and values come to for one query, and states merge.
//   state: largest score m, sum l of 2^(score - m), and two words of the kernel's own, then f32 [E]: sum of 2^(score - m) value
// Scores are powers of two (append.ts), so the exponential is 2^x.

import { maxLanes, sumLanes } from "./simd";

/** Stands for the score of a masked token: finite, so that differences of scores are never NaN. */
export const MASKED: f32 = -3.0e38;

/** Words of a state before its f32 [E]. */
export const LARGEST: usize = 0;
export const SUM: usize = 4;
/** What the values so far are multiplied by when the next chunk's are added, and those by. */
export const KEEP: usize = 8;
export const SCALE: usize = 12;
export const STATE_HEADER: usize = 16;

export function stateBytes(headSize: i32): usize {
  return STATE_HEADER + ((<usize>headSize) << 2);
}

/** 2^x for x <= 0, relative error below 3e-7; exactly 1 at 0 and 0 from -127 down. */
export function power4(x: v128): v128 {
  const clamped = f32x4.pmax(x, f32x4.splat(-127));
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits: cheaper than a conversion.
  const magic = f32x4.splat(12582912);
  const shifted = f32x4.add(clamped, magic);
  const f = f32x4.sub(clamped, f32x4.sub(shifted, magic));
  // Minimax polynomial of 2^f on [-1/2, 1/2] with p(0) = 1.
  let p = f32x4.add(f32x4.mul(f, f32x4.splat(0.001326472731307149)), f32x4.splat(0.009671512991189957));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.05550733581185341));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.24022242426872253));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.6931470036506653));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

function power(x: f32): f32 {
  return f32x4.extract_lane(power4(f32x4.splat(x)), 0);
}

export function clearState(state: usize, headSize: i32): void {
  memory.fill(state, 0, stateBytes(headSize));
  store<f32>(state, MASKED, LARGEST);
}

/**
 * Turns one query's scores of a chunk into weights and counts them in its state; the values are still to be added.
 * @param scores f32 [runs, 4]; overwritten
 * @param weights i16 [runs, 4], out: 2^(score - m) times the value's scale, in units of `SCALE`
 * @param valueScales u32 [runs]: where the 4 scales of a run's values are
 * @param positions i32 [runs, 4], looked at where `masked`: tokens beyond `position`, or before `recents` but for the first `sinks`, do not count
 */
export function weigh(
  state: usize,
  scores: usize,
  weights: usize,
  runs: i32,
  valueScales: usize,
  positions: usize,
  position: i32,
  recents: i32,
  sinks: i32,
  masked: bool,
): void {
  const bytes = (<usize>runs) << 4;
  if (masked) mask(scores, bytes, positions, position, recents, sinks);
  let most = f32x4.splat(MASKED);
  for (let i: usize = 0; i < bytes; i += 16) most = f32x4.pmax(most, v128.load(scores + i));
  const before = load<f32>(state, LARGEST);
  const largest = max(before, maxLanes(most));
  if (largest == MASKED) {
    store<f32>(state, 1, KEEP);
    store<f32>(state, 0, SCALE);
    return;
  }
  const base = f32x4.splat(largest);
  let sum = f32x4.splat(0);
  most = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const weight = power4(f32x4.sub(v128.load(scores + i), base));
    sum = f32x4.add(sum, weight);
    let scaled = f32x4.mul(weight, v128.load(load<u32>(valueScales + (i >> 2))));
    // What lies in a page's unused slots is anything, NaN included.
    if (masked) scaled = v128.and(scaled, f32x4.gt(weight, f32x4.splat(0)));
    most = f32x4.pmax(most, scaled);
    v128.store(scores + i, scaled);
  }
  const heaviest = maxLanes(most);
  const keep = power(before - largest);
  store<f32>(state, largest, LARGEST);
  store<f32>(state, load<f32>(state, SUM) * keep + sumLanes(sum), SUM);
  store<f32>(state, keep, KEEP);
  store<f32>(state, heaviest / 32767, SCALE);
  // As in `power4`, adding 2^23 rounds and leaves the integer in the low bits.
  const factor = f32x4.splat(heaviest > 0 ? 32767 / heaviest : 0);
  const magic = f32x4.splat(8388608);
  const low = i32x4.splat(0xffff);
  for (let i: usize = 0; i < bytes; i += 32) {
    const a = f32x4.add(f32x4.mul(v128.load(scores + i), factor), magic);
    const b = f32x4.add(f32x4.mul(v128.load(scores + i, 16), factor), magic);
    v128.store(weights + (i >> 1), i16x8.narrow_i32x4_s(v128.and(a, low), v128.and(b, low)));
  }
}

function mask(scores: usize, bytes: usize, positions: usize, position: i32, recents: i32, sinks: i32): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const hidden = hiddenTokens(v128.load(positions + i), position, recents, sinks);
    v128.store(scores + i, v128.bitselect(f32x4.splat(MASKED), v128.load(scores + i), hidden));
  }
}

/** Which of four positions a row does not see. */
function hiddenTokens(positions: v128, position: i32, recents: i32, sinks: i32): v128 {
  const past = v128.and(i32x4.lt_s(positions, i32x4.splat(recents)), i32x4.ge_s(positions, i32x4.splat(sinks)));
  return v128.or(i32x4.gt_s(positions, i32x4.splat(position)), past);
}

/** Whether a row does not see all of the tokens at i32 [runs, 4] positions. */
export function hidesSome(positions: usize, runs: i32, position: i32, recents: i32, sinks: i32): bool {
  let hidden = i32x4.splat(0);
  for (let index: usize = 0; index < <usize>runs; index++)
    hidden = v128.or(hidden, hiddenTokens(v128.load(positions + (index << 4)), position, recents, sinks));
  return v128.any_true(hidden);
}

/** Adds a state to `into`. */
export function merge(into: usize, state: usize, headSize: i32): void {
  const sum = load<f32>(state, SUM);
  if (sum == 0) return;
  const before = load<f32>(into, LARGEST);
  const added = load<f32>(state, LARGEST);
  const largest = max(before, added);
  const keep = power(before - largest);
  const take = power(added - largest);
  store<f32>(into, largest, LARGEST);
  store<f32>(into, load<f32>(into, SUM) * keep + sum * take, SUM);
  const keep4 = f32x4.splat(keep);
  const take4 = f32x4.splat(take);
  const end = stateBytes(headSize);
  for (let i = STATE_HEADER; i < end; i += 16) {
    v128.store(into + i, f32x4.add(f32x4.mul(v128.load(into + i), keep4), f32x4.mul(v128.load(state + i), take4)));
  }
}

/** Writes what a state comes to: f32 [E], zeros where no token was visible. */
export function finish(state: usize, y: usize, headSize: i32): void {
  const sum = load<f32>(state, SUM);
  const factor = f32x4.splat(sum > 0 ? 1 / sum : 0);
  const bytes = (<usize>headSize) << 2;
  for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, f32x4.mul(v128.load(state + STATE_HEADER + i), factor));
}
