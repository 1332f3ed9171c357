// Selection of a decode step: which runs of the candidates on a list its queries attend. For each KV head
//   choose   what a sample of the candidates says: a bound of the scores, and the pairs of channels that tell most
//   score    of each run, for each query: the sum over its tokens of 2^(score - bound); blocks of pages, for many threads
//   take     the runs with the largest shares, summed over the queries of the group; they become a list
// Scores are those of the keys themselves on the chosen pairs, and of the middles of their page on the others (score-keys.ts); or bounds,
// where complete pages have boxes (score-boxes.ts).

import { queryScales } from "../append";
import { RUNS_IN_CHUNK, SCORES_BYTES } from "../blocks";
import { chunkBytes } from "../chunk";
import { CHOOSE, SCORE, TAKE } from "../jobs";
import { END, FIRST, HEAD_BYTES, listOf } from "../lists";
import { beginOperation, ownNumber, SCRATCH_HEADER } from "../own-scratch";
import { argument, run, setArgument } from "../team";

/** Candidate pages that a thread scores at a time. */
const BLOCK: i32 = 32;
/** Bytes of the bins that `take` counts in. */
export const BINS_BYTES: usize = 8192;

/** Pairs of channels that keys are scored by. */
export function chosenPairs(headSize: i32): i32 {
  return max(1, (headSize * 3) >> 4);
}

// What `choose` leaves for a KV head: u32 chosen pairs, f32 bounds by query; then for near and for far candidates the queries i16 on the
// chosen pairs, their f32 scales, and the queries i16 on the other channels. All at multiples of 16.

function aligned(bytes: usize): usize {
  return (bytes + 15) & ~15;
}

function pairsBytes(headSize: i32): usize {
  return aligned((<usize>chosenPairs(headSize)) << 2);
}

function boundsBytes(group: i32): usize {
  return aligned((<usize>group) << 2);
}

function chosenQueriesBytes(group: i32, headSize: i32): usize {
  return aligned((<usize>(group * chosenPairs(headSize))) << 2);
}

function choiceBytes(group: i32, headSize: i32): usize {
  const queries = chosenQueriesBytes(group, headSize) + boundsBytes(group) + aligned((<usize>(group * headSize)) << 1);
  return pairsBytes(headSize) + boundsBytes(group) + 2 * queries;
}

/** A chunk, scores or sums of its queries, and bins. */
function threadBytes(group: i32, headSize: i32): usize {
  return chunkBytes(headSize) + max(<usize>group * SCORES_BYTES, (<usize>((group + 1) * headSize)) << 3) + BINS_BYTES;
}

function weightsBytes(capacity: i32): usize {
  return (<usize>capacity) << 4;
}

/** Bytes that `select` needs for itself, with lists of up to `capacity` entries and a team of `threads`. */
export function selectionScratchBytes(heads: i32, kvHeads: i32, headSize: i32, capacity: i32, threads: i32): usize {
  const group = heads / kvHeads;
  const head = choiceBytes(group, headSize) + <usize>(group + 1) * weightsBytes(capacity);
  return SCRATCH_HEADER + <usize>threads * threadBytes(group, headSize) + <usize>kvHeads * head;
}

/**
 * @param queries of one row, as `append` made them
 * @param position of the row
 * @param entries u32 [kvHeads, capacity, 4], @param records u32 [kvHeads, 8]: lists.ts; [first, end) are whole pages
 * @param runs most runs to select for a head, of `runTokens` tokens each
 * @param farFrom pages that begin further back are far
 * @param turns f32 [pages by position, E / 2] of (cos, sin), where there are far ones
 * @param selected u32 [kvHeads, selectedCapacity, 4] and @param selectedRecords u32 [kvHeads, 8]: out
 * @param hits u32 [pages by position], counts the runs selected of each; or 0
 * @param scratch `selectionScratchBytes`, at a multiple of 16
 */
export function select(
  queries: usize,
  rotations: i32,
  heads: i32,
  kvHeads: i32,
  headSize: i32,
  position: i32,
  entries: usize,
  records: usize,
  capacity: i32,
  runs: i32,
  runTokens: i32,
  farFrom: i32,
  turns: usize,
  selected: usize,
  selectedRecords: usize,
  selectedCapacity: i32,
  hits: usize,
  scratch: usize,
  threads: i32,
): void {
  setArgument(0, <i32>queries);
  setArgument(1, rotations);
  setArgument(2, heads);
  setArgument(3, kvHeads);
  setArgument(4, headSize);
  setArgument(5, position);
  setArgument(6, <i32>entries);
  setArgument(7, <i32>records);
  setArgument(8, capacity);
  setArgument(9, runs);
  setArgument(10, runTokens);
  setArgument(11, farFrom);
  setArgument(12, <i32>turns);
  setArgument(13, <i32>selected);
  setArgument(14, <i32>selectedRecords);
  setArgument(15, selectedCapacity);
  setArgument(16, <i32>hits);
  setArgument(17, <i32>scratch);
  setArgument(18, threads);
  setArgument(19, beginOperation(scratch));
  let blocks = 0;
  for (let kvHead = 0; kvHead < kvHeads; kvHead++) if (selects(kvHead)) blocks = max(blocks, (candidates(kvHead) + BLOCK - 1) / BLOCK);
  if (blocks > 0) {
    run(CHOOSE, kvHeads);
    run(SCORE, kvHeads * blocks);
  }
  run(TAKE, kvHeads);
}

/** The candidates of an item of the job that scores: the first of them, and where they end. */
export function blockStart(item: i32): i32 {
  return (item / argument(3)) * BLOCK;
}

export function blockEnd(item: i32): i32 {
  return min(candidates(item % argument(3)), blockStart(item) + BLOCK);
}

// What the jobs read of the arguments.

export function groupSize(): i32 {
  return argument(2) / argument(3);
}

export function record(kvHead: i32): usize {
  return <usize>argument(7) + <usize>kvHead * HEAD_BYTES;
}

export function list(kvHead: i32): usize {
  return listOf(record(kvHead), <usize>argument(6), argument(8), kvHead);
}

/** Pages that a head may select of, and the first entry of them. */
export function candidates(kvHead: i32): i32 {
  return load<i32>(record(kvHead), END) - load<i32>(record(kvHead), FIRST);
}

export function candidate(kvHead: i32, index: i32): usize {
  return list(kvHead) + ((<usize>(load<i32>(record(kvHead), FIRST) + index)) << 4);
}

/** Whether a head has more candidates than it may take. */
export function selects(kvHead: i32): bool {
  return candidates(kvHead) * 16 > argument(9) * argument(10);
}

export function isFar(position: i32): bool {
  return argument(5) - position > argument(11);
}

/** Of a page's position. */
export function turnOf(position: i32): usize {
  return <usize>argument(12) + ((<usize>(position >> 4) * <usize>argument(4)) << 2);
}

/** A head's queries i16 [group, E] of a rotation, as `append` made them. */
export function headQueries(kvHead: i32, rotation: i32): usize {
  return <usize>argument(0) + ((<usize>((rotation * argument(3) + kvHead) * groupSize() * argument(4))) << 1);
}

export function headScales(kvHead: i32, rotation: i32): usize {
  const scales = queryScales(<usize>argument(0), argument(1), 1, argument(2), argument(4));
  return scales + ((<usize>((rotation * argument(3) + kvHead) * groupSize())) << 2);
}

/** This thread's chunk; behind it scores or sums, then bins. */
export function threadChunk(): usize {
  const scratch = <usize>argument(17);
  return scratch + SCRATCH_HEADER + ownNumber(scratch, argument(19)) * threadBytes(groupSize(), argument(4));
}

export function threadSums(chunk: usize): usize {
  return chunk + chunkBytes(argument(4));
}

export function threadBins(chunk: usize): usize {
  return chunk + threadBytes(groupSize(), argument(4)) - BINS_BYTES;
}

export function choice(kvHead: i32): usize {
  const group = groupSize();
  const first = <usize>argument(17) + SCRATCH_HEADER + <usize>argument(18) * threadBytes(group, argument(4));
  return first + <usize>kvHead * choiceBytes(group, argument(4));
}

/** f32 [group]: near the largest score of each query. */
export function bounds(choice: usize): usize {
  return choice + pairsBytes(argument(4));
}

/** i16 [group, chosen pairs, 2]; scales f32 [group] and the queries on the other channels i16 [group, E] follow. */
export function chosenQueries(choice: usize, far: bool): usize {
  const group = groupSize();
  const headSize = argument(4);
  const near = bounds(choice) + boundsBytes(group);
  return far ? near + (choiceBytes(group, headSize) - (near - choice)) / 2 : near;
}

export function chosenScales(chosen: usize): usize {
  return chosen + chosenQueriesBytes(groupSize(), argument(4));
}

export function otherQueries(chosen: usize): usize {
  return chosenScales(chosen) + boundsBytes(groupSize());
}

/** f32 [candidate runs of 4 tokens] of a query of the group; those of `group` are the shares that `take` sums. */
export function weights(kvHead: i32, query: i32): usize {
  const group = groupSize();
  const first = choice(argument(3));
  return first + <usize>(kvHead * (group + 1) + query) * weightsBytes(argument(8));
}

/** Runs in a chunk that all hold candidates. */
export const SAMPLE: i32 = <i32>RUNS_IN_CHUNK;
