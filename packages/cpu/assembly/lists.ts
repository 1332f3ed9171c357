// Page lists, as the kernels read them.
//   entries u32 [kvHeads, capacity, 4]   slot, position, count, rotation
//   heads   u32 [kvHeads, 8]             length, first, end, sinks, recent, from, elsewhere, moved
// [first, end) of a list are the candidates of a selection. From position `from` on, a row of a step of several rows sees of what is
// listed only the first `sinks` tokens of the context and the recents: its own page and recent / 16 pages before it.
// The first `moved` entries of a list are of pages that may be away, or came back.
// `elsewhere` is 0, or the address of the list: what is left of a selection need not be copied where nothing is selected.

export const ENTRY_BYTES: usize = 16;
export const SLOT: usize = 0;
export const POSITION: usize = 4;
export const COUNT: usize = 8;
export const ROTATION: usize = 12;
/** Rotation of an entry whose keys are met at the fixed distance of far pages. */
export const FAR: i32 = -1;
/** The rotation of queries that far keys meet. */
export const FAR_ROTATION: i32 = 2;

export const HEAD_BYTES: usize = 32;
export const LENGTH: usize = 0;
export const FIRST: usize = 4;
export const END: usize = 8;
export const SINKS: usize = 12;
const RECENT: usize = 16;
const FROM: usize = 20;
export const ELSEWHERE: usize = 24;
export const MOVED: usize = 28;

/** The list of a head. */
export function listOf(head: usize, entries: usize, capacity: i32, kvHead: i32): usize {
  const elsewhere = <usize>load<u32>(head, ELSEWHERE);
  return elsewhere > 0 ? elsewhere : entries + <usize>(kvHead * capacity) * ENTRY_BYTES;
}

/** First position of the recents that the row at `position` sees; 0 where it sees all that is listed. */
export function recentsFrom(head: usize, position: i32): i32 {
  if (<u32>position < load<u32>(head, FROM)) return 0;
  return max(0, (position >> 4) - (load<i32>(head, RECENT) >> 4)) << 4;
}
