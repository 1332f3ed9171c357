// Selection of a decode step: which runs of the candidates on a list its queries attend. For each KV head
//   rank     scores pages by the middles of their keys; blocks of pages, for many threads
//   pick     the pages that are worth a closer look, at most two for each run that is taken, and the channels to look at
//   score    their runs: for each query the sum over the run's tokens of 2^(score - bound); blocks of pages
//   take     the runs with the largest shares, summed over the queries of the group; they become a list
// Whoever ends a head's last block of a job goes on with what follows it: pick, or take. At most decode steps a head has a shortlist: its pages are
// ranked and scored in one go. Where complete pages have boxes instead of ranges, all runs are scored, by their bounds.

import { queryScales } from "../append";
import { SCORES_BYTES } from "../blocks";
import { chunkBytes } from "../chunk";
import { RANK, SCORE } from "../jobs";
import { ELSEWHERE, END, FIRST, HEAD_BYTES, listOf } from "../lists";
import { beginOperation, ownNumber, SCRATCH_HEADER } from "../own-scratch";
import { boxTokens } from "../pages";
import { argument, run, setArgument } from "../team";
import { chooseChannels } from "./channels";
import { clearLooks } from "./looks";
import { pickBoxes } from "./pick";
import { pickedPages, recall } from "./shortlist";

/** Candidate pages that a thread ranks or scores at a time. */
const BLOCK: i32 = 32;

/** Pairs of channels that keys are scored by: a quarter of them, in twos, which lie together. */
export function chosenPairs(headSize: i32): i32 {
  return 2 * max(1, headSize >> 4);
}

// What is chosen for a KV head: i32 count of picked pages, i32 whether they are of the shortlist, i32 blocks left; u32 chosen pairs; then for near and far
// candidates the queries i16 on the chosen pairs and their f32 scales. All at multiples of 16.

const CHOICE_HEADER: usize = 16;
const RECALLED: usize = 4;
/** i32: blocks of the job under way that nobody has done yet. */
const BLOCKS_LEFT: usize = 8;

function aligned(bytes: usize): usize {
  return (bytes + 15) & ~15;
}

/** Bytes of the chosen pairs, and of a query on them. */
export function chosenStride(headSize: i32): usize {
  return aligned((<usize>chosenPairs(headSize)) << 2);
}

function chosenBytes(group: i32, headSize: i32): usize {
  return <usize>group * chosenStride(headSize) + aligned((<usize>group) << 2);
}

function choiceBytes(group: i32, headSize: i32): usize {
  return CHOICE_HEADER + chosenStride(headSize) + 2 * chosenBytes(group, headSize);
}

/** A chunk, the scores of its queries or turned queries, and a word for each four channels. */
function threadBytes(group: i32, headSize: i32): usize {
  return chunkBytes(headSize) + <usize>group * max(SCORES_BYTES, (<usize>headSize) << 2) + aligned(<usize>headSize);
}

/** Of the runs of 4 tokens of `capacity` pages. */
function weightsBytes(capacity: i32): usize {
  return (<usize>capacity) << 4;
}

function blocksOf(pages: i32): i32 {
  return (pages + BLOCK - 1) / BLOCK;
}

/** Of a KV head: what is chosen, pages in order u32, scores of pages and weights of runs by query, and shares; bounds of blocks by query. */
function headBytes(group: i32, headSize: i32, capacity: i32): usize {
  const pages = aligned((<usize>capacity) << 2);
  const blocks = aligned((<usize>(blocksOf(capacity) * group)) << 2);
  return choiceBytes(group, headSize) + <usize>(group + 1) * (pages + weightsBytes(capacity)) + pages + blocks;
}

/** Bytes that `select` needs for itself, with lists of up to `capacity` entries and a team of `threads`. */
export function selectionScratchBytes(heads: i32, kvHeads: i32, headSize: i32, capacity: i32, threads: i32): usize {
  const group = heads / kvHeads;
  return SCRATCH_HEADER + <usize>threads * threadBytes(group, headSize) + <usize>kvHeads * headBytes(group, headSize, capacity);
}

/**
 * @param queries of one row, as `append` made them
 * @param position of the row
 * @param entries u32 [kvHeads, capacity, 4], @param records u32 [kvHeads, 8]: lists.ts; [first, end) are whole pages
 * @param runs most runs to select for a head, of `runTokens` tokens each
 * @param farFrom pages that begin further back are far
 * @param turns int16 [pages by position, E / 2] of (cos, sin, -sin, cos), where there are far ones
 * @param selected u32 [kvHeads, selectedCapacity, 4] and @param selectedRecords u32 [kvHeads, 8]: out
 * @param hits u32 [pages by position], counts the runs selected of each; or 0
 * @param scratch `selectionScratchBytes`, at a multiple of 16
 * @param landmarks u32 [2 + kvHeads] of landmarks.ts; their rings have room for all candidates. 0 where pages have boxes
 * @param looks [kvHeads] of `looksBytes`, out: pages that were looked at of those that may be away; 0 where none may
 * @param anew whether all pages are ranked, whatever earlier steps left on shortlists
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
  landmarks: usize,
  looks: usize,
  anew: bool,
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
  setArgument(20, <i32>landmarks);
  setArgument(21, <i32>looks);
  const boxes = boxTokens() > 0;
  let most = 0;
  let scores = false;
  for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
    clearLooks(kvHead);
    memory.copy(selectedRecord(kvHead), record(kvHead), HEAD_BYTES);
    if (!selects(kvHead)) {
      store<u32>(selectedRecord(kvHead), <u32>list(kvHead), ELSEWHERE);
      continue;
    }
    const recalled = boxes || anew ? 0 : recall(kvHead);
    const pages = recalled > 0 ? recalled : candidates(kvHead);
    store<i32>(choice(kvHead), recalled);
    store<i32>(choice(kvHead), <i32>(recalled > 0), RECALLED);
    if (recalled > 0) chooseChannels(kvHead);
    else scores = true;
    if (boxes) pickBoxes(kvHead);
    else beginBlocks(kvHead, pages);
    most = max(most, pages);
  }
  if (most > 0 && !boxes) runBlocks(RANK, most);
  if (scores) runBlocks(SCORE, boxes ? most : min(most, pickedPages(runs)));
}

/** Before a job that goes through `pages` of a head. */
export function beginBlocks(kvHead: i32, pages: i32): void {
  store<i32>(choice(kvHead), blocksOf(pages), BLOCKS_LEFT);
}

/** Says that a block of a head is done; whether it was the last. What other threads wrote of the head is there then. */
export function endsLastBlock(kvHead: i32): bool {
  const left = choice(kvHead) + BLOCKS_LEFT;
  if (ASC_FEATURE_THREADS) return atomic.sub<i32>(left, 1) == 1;
  store<i32>(left, load<i32>(left) - 1);
  return load<i32>(left) == 0;
}

/** A job that goes through the pages of all heads side by side, so that heads end at different threads. */
function runBlocks(kind: i32, pages: i32): void {
  run(kind, argument(3) * blocksOf(pages));
}

/** Whose pages an item of such a job is of, and the first of them. */
export function headOf(item: i32): i32 {
  return item % argument(3);
}

export function blockStart(item: i32): i32 {
  return (item / argument(3)) * BLOCK;
}

/** Where they end, of `count` pages. */
export function blockEnd(item: i32, count: i32): i32 {
  return min(count, blockStart(item) + BLOCK);
}

// What the jobs read of the arguments.

export function groupSize(): i32 {
  return argument(2) / argument(3);
}

export function record(kvHead: i32): usize {
  return <usize>argument(7) + <usize>kvHead * HEAD_BYTES;
}

/** Of the list of what is attended. */
export function selectedRecord(kvHead: i32): usize {
  return <usize>argument(14) + <usize>kvHead * HEAD_BYTES;
}

export function list(kvHead: i32): usize {
  return listOf(record(kvHead), <usize>argument(6), argument(8), kvHead);
}

/** Pages that a head may select of, and the first entry of them. */
export function candidates(kvHead: i32): i32 {
  return load<i32>(record(kvHead), END) - load<i32>(record(kvHead), FIRST);
}

export function firstCandidate(kvHead: i32): usize {
  return list(kvHead) + ((<usize>load<i32>(record(kvHead), FIRST)) << 4);
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

/** This thread's chunk; behind it scores or turned queries, then words. */
export function threadChunk(): usize {
  const scratch = <usize>argument(17);
  return scratch + SCRATCH_HEADER + ownNumber(scratch, argument(19)) * threadBytes(groupSize(), argument(4));
}

export function threadScores(chunk: usize): usize {
  return chunk + chunkBytes(argument(4));
}

export function threadWords(chunk: usize): usize {
  return chunk + threadBytes(groupSize(), argument(4)) - aligned(<usize>argument(4));
}

/** What is chosen for a head; its first word is how many pages are picked. */
export function choice(kvHead: i32): usize {
  const group = groupSize();
  const first = <usize>argument(17) + SCRATCH_HEADER + <usize>argument(18) * threadBytes(group, argument(4));
  return first + <usize>kvHead * headBytes(group, argument(4), argument(8));
}

/** Whether they are those of the shortlist. */
export function isRecalled(kvHead: i32): bool {
  return load<i32>(choice(kvHead), RECALLED) != 0;
}

export function pairsOf(choice: usize): usize {
  return choice + CHOICE_HEADER;
}

/** i16 [group, chosen pairs, 2], a query every `chosenStride` bytes; scales f32 [group] follow. */
export function chosenQueries(choice: usize, far: bool): usize {
  const near = pairsOf(choice) + chosenStride(argument(4));
  return far ? near + chosenBytes(groupSize(), argument(4)) : near;
}

export function chosenScales(chosen: usize): usize {
  return chosen + <usize>groupSize() * chosenStride(argument(4));
}

/** u32 [picked pages]: indices of candidates, in order. */
export function picked(choice: usize): usize {
  return choice + choiceBytes(groupSize(), argument(4));
}

/** f32 of a query of the group: scores [ranked pages], and from `pick` on 2^(score - bound) [picked pages]; those of `group` are shares. */
export function pageScores(choice: usize, query: i32): usize {
  return picked(choice) + <usize>(query + 1) * aligned((<usize>argument(8)) << 2);
}

/** f32 [runs of 4 tokens of the picked pages], of a query of the group; those of `group` are shares. */
export function weights(choice: usize, query: i32): usize {
  return pageScores(choice, groupSize() + 1) + <usize>query * weightsBytes(argument(8));
}

/** f32 [group], near the largest score of each query: what the weights of a block of picked pages are relative to. */
export function boundsOf(choice: usize, block: i32): usize {
  return weights(choice, groupSize() + 1) + ((<usize>(block * groupSize())) << 2);
}

/** Of what is picked. */
export function pickedBlocks(choice: usize): i32 {
  return blocksOf(load<i32>(choice));
}

/** The block that begins with a page. */
export function blockOf(page: i32): i32 {
  return page / BLOCK;
}

/** Where a block of so many pages ends. */
export function blockLimit(block: i32, pages: i32): usize {
  return <usize>min(pages, (block + 1) * BLOCK);
}
