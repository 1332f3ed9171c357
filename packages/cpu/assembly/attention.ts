// Attention of a step's queries over the page lists of one layer.
//   y[r, h] = sum over listed tokens at positions <= position + r of softmax(q[r, h] . k) v
//
// A KV head's queries of some rows are a tile: keys and values that are loaded serve all of it. A list is cut into splits of a fixed
// number of entries, a split into chunks of at most 16 runs. Chunks add to the state of their split in order, splits merge in order;
// where a split begins and a chunk ends depends on the list alone. So a row's result has the same bits whatever rows are beside it,
// whether one thread walks all splits of a tile or many threads take a split each and the states are merged afterwards.

import { POSITIONS, score, SCORES_BYTES, VALUE_SCALES, WEIGHTS_BYTES, weighValues, RUNS_IN_CHUNK } from "./blocks";
import { queryScales } from "./append";
import { addRuns, chunkBytes, runsOf } from "./chunk";
import { ATTEND, COMBINE } from "./jobs";
import { HEAD_BYTES, LENGTH, listOf, recentsFrom, SINKS } from "./lists";
import { beginOperation, ownNumber, SCRATCH_HEADER } from "./own-scratch";
import { clearState, finish, hidesSome, merge, stateBytes, weigh } from "./softmax";
import { argument, run, setArgument } from "./team";

/** Entries of a split: some ten microseconds of a decode step, and few enough states to merge. */
const SPLIT: i32 = 16;
/** Queries of a tile at most: its scores, weights and states stay in the first cache. */
const TILE: i32 = 24;

/** Rows of a tile. */
function tileRows(group: i32): i32 {
  return max(1, TILE / group);
}

function splitsOf(entries: i32): i32 {
  return (entries + SPLIT - 1) / SPLIT;
}

/** A tile's chunk, scores, weights, and states of the split and of all splits so far. */
function tileBytes(group: i32, headSize: i32): usize {
  return chunkBytes(headSize) + <usize>(tileRows(group) * group) * (SCORES_BYTES + WEIGHTS_BYTES + 2 * stateBytes(headSize));
}

/** Bytes that `attend` needs for itself, with lists of up to `capacity` entries and a team of `threads`. */
export function attentionScratchBytes(heads: i32, kvHeads: i32, headSize: i32, capacity: i32, threads: i32): usize {
  const group = heads / kvHeads;
  const states = <usize>(kvHeads * splitsOf(capacity) * tileRows(group) * group) * stateBytes(headSize);
  return SCRATCH_HEADER + <usize>threads * tileBytes(group, headSize) + states;
}

/**
 * @param queries as `append` made them
 * @param position of the first row; the others follow it
 * @param entries u32 [kvHeads, capacity, 4]: slot, position, count, rotation
 * @param records u32 [kvHeads, 8]: lists.ts
 * @param turns int16 [pages by position, E / 2] of (cos, sin, -sin, cos), where lists have far entries
 * @param y f32 [rows, heads E]
 * @param scratch `attentionScratchBytes` for this many threads, at a multiple of 16
 */
export function attend(
  queries: usize,
  rotations: i32,
  rows: i32,
  heads: i32,
  kvHeads: i32,
  headSize: i32,
  position: i32,
  entries: usize,
  records: usize,
  capacity: i32,
  turns: usize,
  y: usize,
  scratch: usize,
  threads: i32,
): void {
  setArgument(0, <i32>queries);
  setArgument(1, rotations);
  setArgument(2, rows);
  setArgument(3, heads);
  setArgument(4, kvHeads);
  setArgument(5, headSize);
  setArgument(6, position);
  setArgument(7, <i32>entries);
  setArgument(8, <i32>records);
  setArgument(9, capacity);
  setArgument(10, <i32>y);
  setArgument(11, <i32>scratch);
  setArgument(12, threads);
  setArgument(13, beginOperation(scratch));
  setArgument(15, <i32>turns);
  let splits = 0;
  for (let kvHead = 0; kvHead < kvHeads; kvHead++) splits = max(splits, splitsOf(listLength(kvHead)));
  const rowsOfTile = tileRows(heads / kvHeads);
  // One tile has too few items for a team when each is a whole list.
  const cut = rows <= rowsOfTile && splits > 1;
  setArgument(14, cut ? splits : 0);
  if (!cut) {
    run(ATTEND, kvHeads * ((rows + rowsOfTile - 1) / rowsOfTile));
    return;
  }
  run(ATTEND, kvHeads * splits);
  run(COMBINE, rows);
}

export function performAttend(item: i32): void {
  const kvHeads = argument(4);
  const headSize = argument(5);
  const rows = argument(2);
  const group = argument(3) / kvHeads;
  const splits = argument(14);
  const kvHead = item % kvHeads;
  const scratch = scratchOfThread(group, headSize);
  if (splits > 0) {
    const split = item / kvHeads;
    attendSplit(scratch, kvHead, split, 0, rows, splitStates(kvHead, split));
    return;
  }
  // The last rows see most: they come first, so that no thread is left with much at the end.
  const rowsOfTile = tileRows(group);
  const first = ((rows + rowsOfTile - 1) / rowsOfTile - 1 - item / kvHeads) * rowsOfTile;
  attendTile(scratch, kvHead, first, min(rowsOfTile, rows - first));
}

/** Merges the splits of one row. */
export function performCombine(row: i32): void {
  const heads = argument(3);
  const kvHeads = argument(4);
  const headSize = argument(5);
  const group = heads / kvHeads;
  const bytes = stateBytes(headSize);
  const scratch = scratchOfThread(group, headSize);
  for (let head = 0; head < heads; head++) {
    const kvHead = head / group;
    const splits = splitsOf(listLength(kvHead));
    clearState(scratch, headSize);
    for (let split = 0; split < splits; split++) {
      merge(scratch, splitStates(kvHead, split) + <usize>(row * group + (head % group)) * bytes, headSize);
    }
    finish(scratch, output(row, head), headSize);
  }
}

function record(kvHead: i32): usize {
  return <usize>argument(8) + <usize>kvHead * HEAD_BYTES;
}

function listLength(kvHead: i32): i32 {
  return load<i32>(record(kvHead), LENGTH);
}

/** Where the recents of a row begin. A row alone sees all that its list has. */
function recentsOf(kvHead: i32, row: i32): i32 {
  return argument(2) == 1 ? 0 : recentsFrom(record(kvHead), argument(6) + row);
}

function output(row: i32, head: i32): usize {
  return <usize>argument(10) + ((<usize>((row * argument(3) + head) * argument(5))) << 2);
}

/** Where the states of a split go, those of a tile's queries one behind the other. */
function splitStates(kvHead: i32, split: i32): usize {
  const headSize = argument(5);
  const group = argument(3) / argument(4);
  const states = <usize>argument(11) + SCRATCH_HEADER + <usize>argument(12) * tileBytes(group, headSize);
  return states + <usize>((kvHead * argument(14) + split) * argument(2) * group) * stateBytes(headSize);
}

function scratchOfThread(group: i32, headSize: i32): usize {
  const scratch = <usize>argument(11);
  return scratch + SCRATCH_HEADER + ownNumber(scratch, argument(13)) * tileBytes(group, headSize);
}

/** Walks all splits of a tile. */
function attendTile(scratch: usize, kvHead: i32, first: i32, rows: i32): void {
  const headSize = argument(5);
  const group = argument(3) / argument(4);
  const bytes = stateBytes(headSize);
  const count = rows * group;
  const splitState = scratch + tileBytes(group, headSize) - <usize>(2 * count) * bytes;
  const total = splitState + <usize>count * bytes;
  for (let query = 0; query < count; query++) clearState(total + <usize>query * bytes, headSize);
  const splits = splitsOf(listLength(kvHead));
  for (let split = 0; split < splits; split++) {
    attendSplit(scratch, kvHead, split, first, rows, splitState);
    for (let query = 0; query < count; query++) merge(total + <usize>query * bytes, splitState + <usize>query * bytes, headSize);
  }
  for (let query = 0; query < count; query++) {
    finish(total + <usize>query * bytes, output(first + query / group, kvHead * group + (query % group)), headSize);
  }
}

/** Makes the states of a tile's queries for one split of the list, [rows, group] of them. */
function attendSplit(scratch: usize, kvHead: i32, split: i32, first: i32, rows: i32, states: usize): void {
  const headSize = argument(5);
  const kvHeads = argument(4);
  const group = argument(3) / kvHeads;
  const list = listOf(record(kvHead), <usize>argument(7), argument(9), kvHead);
  for (let query = 0; query < rows * group; query++) clearState(states + <usize>query * stateBytes(headSize), headSize);
  const headQueries = argument(2) * group;
  const queries = <usize>argument(0) + ((<usize>(kvHead * headQueries * headSize)) << 1);
  const scales = queryScales(<usize>argument(0), argument(1), argument(2), argument(3), headSize) + ((<usize>(kvHead * headQueries)) << 2);
  const rotationBytes = (<usize>(kvHeads * headQueries * headSize)) << 1;
  const rotationScales = (<usize>(kvHeads * headQueries)) << 2;
  const last = argument(6) + first + rows - 1;
  const recents = recentsOf(kvHead, first);
  const sinks = load<i32>(record(kvHead), SINKS);
  const turns = <usize>argument(15);
  const end = min((split + 1) * SPLIT, listLength(kvHead));
  let size = 0;
  let runs = 0;
  for (let index = split * SPLIT; index < end; index++) {
    const entry = list + ((<usize>index) << 4);
    const entryRuns = runsOf(entry);
    if (size + entryRuns > <i32>RUNS_IN_CHUNK) {
      attendChunk(scratch, runs, kvHead, first, rows, states);
      size = 0;
      runs = 0;
    }
    // Runs that no row sees count towards the chunk's size, so that it ends where it will when they are seen.
    size += entryRuns;
    runs = addRuns(scratch, runs, entry, queries, rotationBytes, scales, rotationScales, headSize, last, recents, sinks, turns);
  }
  attendChunk(scratch, runs, kvHead, first, rows, states);
}

function attendChunk(chunk: usize, runs: i32, kvHead: i32, first: i32, rows: i32, states: usize): void {
  if (runs == 0) return;
  const headSize = argument(5);
  const group = argument(3) / argument(4);
  const count = rows * group;
  const bytes = stateBytes(headSize);
  const scores = chunk + chunkBytes(headSize);
  const weights = scores + <usize>count * SCORES_BYTES;
  score(chunk, runs, first * group, count, headSize, scores);
  const position = argument(6) + first;
  const positions = chunk + POSITIONS;
  const sinks = load<i32>(record(kvHead), SINKS);
  // The first row's position hides most at the end, the last row's recents hide most before.
  const masked = hidesSome(positions, runs, position, recentsOf(kvHead, first + rows - 1), sinks);
  for (let row = 0; row < rows; row++) {
    const recents = recentsOf(kvHead, first + row);
    for (let query = row * group; query < (row + 1) * group; query++) {
      const index = <usize>query;
      const to = weights + index * WEIGHTS_BYTES;
      weigh(
        states + index * bytes,
        scores + index * SCORES_BYTES,
        to,
        runs,
        chunk + VALUE_SCALES,
        positions,
        position + row,
        recents,
        sinks,
        masked,
      );
    }
  }
  weighValues(chunk, runs, weights, count, headSize, states, bytes);
}
