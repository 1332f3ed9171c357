// Shortlists: a step that ranks all pages keeps those with the largest shares, and the steps that follow it look at these alone. What a token looks
// for changes at every step, where it is found seldom: on books, with 512 of 4,096 tokens, this costs 0.006 nats of KL more than ranking at every
// step, and recalls more numbers, because twice as many pages are looked at closely where it is done once in four steps.
//   u32 generation, i32 position of the last step that went by it, i32 candidates, i32 count; f32 [E] how far keys of candidates reach, up to a
//   multiple of 16 bytes; u32 [count] indices of candidates, in order

import { SLOT } from "../lists";
import { AWAY } from "../pages";
import { sumLanes } from "../simd";
import { argument } from "../team";
import { generation, shortlistOf } from "./landmarks";
import { largest, ties } from "./largest";
import { candidates, choice, firstCandidate, isRecalled, picked } from "./select";

/** Pages that are ranked once in four steps at most. */
const OFTEN: i32 = 1024;

/**
 * Positions at its multiples rank all pages: it divides a page, so that the candidates of the steps between are the same. Twice as many
 * pages are ranked half as often, so that a step costs the same however long the conversation is.
 */
function stepsFor(pages: i32): i32 {
  let steps = 4;
  for (let left = pages; left > OFTEN && steps < 16; left >>= 1) steps <<= 1;
  return steps;
}

const HEADER: usize = 16;

/** Pages that are looked at closely where `runs` are taken, in steps that rank all. */
export function pickedPages(runs: i32): i32 {
  return 2 * runs;
}

/** Bytes of a shortlist where `runs` are taken: as many pages, and all that were picked of those that are away. */
export function shortlistBytes(runs: i32, headSize: i32): usize {
  return HEADER + rangeBytes(headSize) + ((((<usize>pickedPages(runs)) << 2) + 15) & ~15);
}

function rangeBytes(headSize: i32): usize {
  return (((<usize>headSize) << 2) + 15) & ~15;
}

/** What `sumRanges` of channels.ts has summed when all pages were ranked. */
export function rangeSums(kvHead: i32): usize {
  return shortlistOf(kvHead) + HEADER;
}

function indicesOf(kvHead: i32): usize {
  return rangeSums(kvHead) + rangeBytes(argument(4));
}

/** Picks what is on a head's shortlist and returns how many pages that are; 0 where all are to be ranked. */
export function recall(kvHead: i32): i32 {
  const made = choice(kvHead);
  const shortlist = shortlistOf(kvHead);
  const position = argument(5);
  const follows = load<u32>(shortlist) == generation() && load<i32>(shortlist, 4) == position - 1;
  const count =
    follows && load<i32>(shortlist, 8) == candidates(kvHead) && position % stepsFor(candidates(kvHead)) != 0 ? load<i32>(shortlist, 12) : 0;
  if (count == 0) return 0;
  memory.copy(picked(made), indicesOf(kvHead), (<usize>count) << 2);
  store<i32>(shortlist, position, 4);
  return count;
}

/**
 * Makes the best of what is picked the shortlist of the steps to come, where this one ranked all pages. Beside them those that are away: how
 * good they are is seen when they are here.
 * @param shares f32 [runs of 4 tokens of the picked pages], of the group's attention
 * @param sums f32 [picked pages], scratch
 */
export function remember(kvHead: i32, shares: usize, sums: usize): void {
  if (isRecalled(kvHead)) return;
  const shortlist = shortlistOf(kvHead);
  const position = argument(5);
  const made = choice(kvHead);
  const count = load<i32>(made);
  let away = 0;
  for (let index: usize = 0; index < <usize>count; index++) {
    const isAway = (load<u32>(firstCandidate(kvHead) + ((<usize>load<u32>(picked(made) + (index << 2))) << 4), SLOT) & AWAY) != 0;
    store<f32>(sums + (index << 2), isAway ? f32.MAX_VALUE : sumLanes(v128.load(shares + (index << 4))));
    away += <i32>isAway;
  }
  const listed = min(count, argument(9) + away);
  const least = largest(sums, count, listed);
  let equals = ties();
  store<u32>(shortlist, generation());
  store<i32>(shortlist, position, 4);
  store<i32>(shortlist, candidates(kvHead), 8);
  store<i32>(shortlist, listed, 12);
  let to = indicesOf(kvHead);
  for (let index: usize = 0; index < <usize>count; index++) {
    const sum = load<f32>(sums + (index << 2));
    if (sum < least || (sum == least && equals-- <= 0)) continue;
    store<u32>(to, load<u32>(picked(made) + (index << 2)));
    to += 4;
  }
}
