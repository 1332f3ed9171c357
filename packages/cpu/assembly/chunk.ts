// A chunk: up to 16 runs of a list in a table, as the kernels of blocks.ts read them.

import { KEY_SCALES, KEYS, POSITIONS, QUERIES, QUERY_SCALES, RUNS_IN_CHUNK, TABLE_BYTES, VALUE_SCALES, VALUES } from "./blocks";
import { COUNT, FAR, FAR_ROTATION, POSITION, ROTATION, SLOT } from "./lists";
import { openedBytes, openedScales, openedValues, openPage, openRun, openValues, turnKeys } from "./open";
import {
  CLOSED,
  closedRunValues,
  closedValueScales,
  closedValues,
  pageOf,
  runBytes,
  RUN_TOKENS,
  scalesOffset,
  valueBits,
  valuesOffset,
  PAGE_TOKENS,
} from "./pages";

/** Position of a token that is not on the list. */
const NOWHERE: i32 = i32.MAX_VALUE;

/** Bytes of a chunk's table and of the copies of its runs. */
export function chunkBytes(headSize: i32): usize {
  return TABLE_BYTES + RUNS_IN_CHUNK * openedBytes(headSize);
}

/** Runs that an entry takes of a chunk. */
export function runsOf(entry: usize): i32 {
  return (<i32>(load<u32>(entry, SLOT) & 3) + load<i32>(entry, COUNT) + RUN_TOKENS - 1) / RUN_TOKENS;
}

/**
 * Adds an entry's runs to the chunk, but for those of which a tile sees nothing; returns how many there are then.
 * @param queries the tile's head's of the first rotation, a rotation every `rotationBytes`; their scales likewise
 * @param last position of the tile's last row
 * @param recents where the recents of its first row begin
 * @param turns int16 [pages by position, E / 2] of (cos, sin, -sin, cos), for far entries
 */
export function addRuns(
  chunk: usize,
  runs: i32,
  entry: usize,
  queries: usize,
  rotationBytes: usize,
  scales: usize,
  rotationScales: usize,
  headSize: i32,
  last: i32,
  recents: i32,
  sinks: i32,
  turns: usize,
): i32 {
  const slot = load<u32>(entry, SLOT);
  const position = load<i32>(entry, POSITION);
  const count = load<i32>(entry, COUNT);
  const rotation = load<i32>(entry, ROTATION);
  const far = rotation == FAR;
  const turn = far ? turns + ((<usize>(position >> 4) * <usize>headSize) << 2) : 0;
  const queried = <usize>(far ? FAR_ROTATION : rotation);
  const page = pageOf(slot);
  let run = <usize>((slot >> 2) & 3);
  const closed = (slot & CLOSED) != 0;
  // Of a whole page at once, where all of it is seen.
  const whole = closed && count == <i32>PAGE_TOKENS && position + count - 1 <= last && (position >= recents || position + count <= sinks);
  if (whole) openPage(page, headSize, chunk + TABLE_BYTES + <usize>runs * openedBytes(headSize), openedBytes(headSize));
  /** Of the run's first token in the entry, which may begin and end inside a run. */
  let token = -(<i32>(slot & 3));
  while (token < count && position + max(token, 0) <= last) {
    if (position + min(token + RUN_TOKENS, count) > recents || position + max(token, 0) < sinks) {
      const to = chunk + ((<usize>runs) << 2);
      store<u32>(to, <u32>(queries + queried * rotationBytes), QUERIES);
      store<u32>(to, <u32>(scales + queried * rotationScales), QUERY_SCALES);
      const copy = chunk + TABLE_BYTES + <usize>runs * openedBytes(headSize);
      if (closed && !whole) openRun(page, run, headSize, copy);
      if (closed) addClosed(to, page, run, headSize, copy);
      else addOpen(to, page + run * runBytes(headSize), headSize);
      if (far) {
        turnKeys(load<u32>(to, KEYS), headSize, turn, copy);
        store<u32>(to, <u32>copy, KEYS);
      }
      const tokens = i32x4.add(i32x4.splat(token), i32x4(0, 1, 2, 3));
      const inside = v128.and(i32x4.ge_s(tokens, i32x4.splat(0)), i32x4.lt_s(tokens, i32x4.splat(count)));
      const positions = i32x4.add(tokens, i32x4.splat(position));
      v128.store(chunk + POSITIONS + ((<usize>runs) << 4), v128.bitselect(positions, i32x4.splat(NOWHERE), inside));
      runs++;
    }
    run++;
    token += RUN_TOKENS;
  }
  return runs;
}

function addOpen(to: usize, address: usize, headSize: i32): void {
  store<u32>(to, <u32>address, KEYS);
  store<u32>(to, <u32>(address + valuesOffset(headSize)), VALUES);
  store<u32>(to, <u32>(address + scalesOffset(headSize)), KEY_SCALES);
  store<u32>(to, <u32>(address + scalesOffset(headSize) + 16), VALUE_SCALES);
}

function addClosed(to: usize, page: usize, run: usize, headSize: i32, copy: usize): void {
  store<u32>(to, <u32>copy, KEYS);
  store<u32>(to, <u32>(copy + openedScales(headSize)), KEY_SCALES);
  store<u32>(to, <u32>(page + closedValueScales(headSize) + (run << 4)), VALUE_SCALES);
  let values = page + closedValues(headSize) + run * closedRunValues(headSize);
  if (valueBits() == 4) {
    values = copy + openedValues(headSize);
    openValues(page, run, headSize, values);
  }
  store<u32>(to, <u32>values, VALUES);
}
