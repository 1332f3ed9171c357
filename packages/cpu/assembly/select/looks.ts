// What a step that ranks all pages says of those that may be away, so that what it looks for comes back: which of them it picked, and their shares.
//   u32 count, then by page u32 position and f32 share of the group's attention

import { FIRST, MOVED, POSITION } from "../lists";
import { argument } from "../team";
import { choice, firstCandidate, groupSize, pageScores, picked, record } from "./select";
import { pickedPages } from "./shortlist";

/** Bytes of what is said of a head. */
export function looksBytes(runs: i32): usize {
  return 4 + ((<usize>pickedPages(runs)) << 3);
}

function looksOf(kvHead: i32): usize {
  return <usize>argument(21) + <usize>kvHead * looksBytes(argument(9));
}

/** Says nothing of a head, until it has picked of all its pages. */
export function clearLooks(kvHead: i32): void {
  if (argument(21) > 0) store<u32>(looksOf(kvHead), 0);
}

/** Says what is picked, by the shares of pages that it was picked by. */
export function noteLooks(kvHead: i32): void {
  const made = choice(kvHead);
  const looks = looksOf(kvHead);
  // The first of the candidates.
  const moved = load<i32>(record(kvHead), MOVED) - load<i32>(record(kvHead), FIRST);
  let to = looks + 4;
  for (let index = 0; index < load<i32>(made); index++) {
    const candidate = <usize>load<u32>(picked(made) + ((<usize>index) << 2));
    if (<i32>candidate >= moved) break;
    store<u32>(to, load<u32>(firstCandidate(kvHead) + (candidate << 4), POSITION));
    store<f32>(to, load<f32>(pageScores(made, groupSize()) + (candidate << 2)), 4);
    to += 8;
  }
  store<u32>(looks, <u32>((to - looks - 4) >> 3));
}
