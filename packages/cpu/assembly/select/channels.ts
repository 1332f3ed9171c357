// The channels that a head's runs are scored on: those on which a query's product varies most within a page, by the ranges of 16 of the pages, summed
// over the group. Channels are taken by fours, which lie together.

import { FAR_ROTATION, SLOT } from "../lists";
import { rangeScale, rangesOf } from "../pages";
import { sumLanes } from "../simd";
import { argument } from "../team";
import { rangeSums } from "./shortlist";
import {
  candidates,
  choice,
  chosenPairs,
  chosenQueries,
  chosenScales,
  chosenStride,
  firstCandidate,
  groupSize,
  headQueries,
  headScales,
  pairsOf,
  threadWords,
  threadChunk,
} from "./select";

/** Pages that are looked at to know how all of them vary. */
export const SAMPLE: i32 = 16;

/** Chooses channels by what `sumRanges` has summed, and puts the queries on them. */
export function chooseChannels(kvHead: i32): void {
  const made = choice(kvHead);
  choosePairs(kvHead, rangeSums(kvHead), threadWords(threadChunk()), pairsOf(made));
  chooseQueries(kvHead, made, false);
  if (argument(1) > FAR_ROTATION) chooseQueries(kvHead, made, true);
}

/** Slot of one of 16 candidates from the first to the last. */
export function sampleSlot(kvHead: i32, index: i32): u32 {
  return load<u32>(firstCandidate(kvHead) + ((<usize>((index * candidates(kvHead)) / SAMPLE)) << 4), SLOT);
}

/** Sums how far 16 of the candidates reach, f32 [E], for this step and those that go by its shortlist. */
export function sumRanges(kvHead: i32): void {
  const headSize = argument(4);
  const sums = rangeSums(kvHead);
  const bytes = (<usize>headSize) << 2;
  memory.fill(sums, 0, bytes);
  for (let index = 0; index < SAMPLE; index++) {
    const ranges = rangesOf(sampleSlot(kvHead, index), headSize);
    const scale = v128.load32_splat(ranges + rangeScale(headSize));
    for (let i: usize = 0; i < bytes; i += 16) {
      const steps = f32x4.convert_i32x4_s(v128.load16x4_s(ranges + (i >> 1)));
      v128.store(sums + i, f32x4.add(v128.load(sums + i), f32x4.mul(steps, scale)));
    }
  }
}

/** Takes the fours of channels with the largest sum, over the group, of squared products of query and range; the first of equals. */
function choosePairs(kvHead: i32, ranges: usize, sums: usize, chosen: usize): void {
  const headSize = argument(4);
  const fours = <usize>headSize >> 2;
  memory.fill(sums, 0, fours << 2);
  for (let query = 0; query < groupSize(); query++) {
    const q = headQueries(kvHead, 0) + ((<usize>(query * headSize)) << 1);
    const scale = load<f32>(headScales(kvHead, 0) + ((<usize>query) << 2));
    for (let four: usize = 0; four < fours; four++) {
      const products = f32x4.mul(f32x4.convert_i32x4_s(v128.load16x4_s(q + (four << 3))), v128.load(ranges + (four << 4)));
      const sum = sumLanes(f32x4.mul(products, products)) * scale * scale;
      store<f32>(sums + (four << 2), load<f32>(sums + (four << 2)) + sum);
    }
  }
  for (let left = chosenPairs(headSize) >> 1; left > 0; left--) {
    let best: usize = 0;
    let most: f32 = -2;
    for (let four: usize = 0; four < fours; four++) {
      const sum = load<f32>(sums + (four << 2));
      if (sum > most) {
        most = sum;
        best = four;
      }
    }
    store<f32>(sums + (best << 2), -1);
    store<u32>(chosen, <u32>(best << 1));
    store<u32>(chosen, <u32>((best << 1) + 1), 4);
    chosen += 8;
  }
}

/** A head's queries on the chosen pairs. */
function chooseQueries(kvHead: i32, made: usize, far: bool): void {
  const headSize = argument(4);
  const rotation = far ? FAR_ROTATION : 0;
  const count = chosenPairs(headSize);
  const chosen = chosenQueries(made, far);
  memory.copy(chosenScales(chosen), headScales(kvHead, rotation), (<usize>groupSize()) << 2);
  for (let query = 0; query < groupSize(); query++) {
    const from = headQueries(kvHead, rotation) + ((<usize>(query * headSize)) << 1);
    const to = chosen + <usize>query * chosenStride(headSize);
    for (let index: usize = 0; index < <usize>count; index++)
      store<u32>(to + (index << 2), load<u32>(from + ((<usize>load<u32>(pairsOf(made) + (index << 2))) << 2)));
  }
}
