// Scores of candidates by their keys: exact on the chosen pairs of channels, which are copied out of four pages at a time and scored like
// keys of so many channels. On the other channels closed pages have the middles of their keys; open ones say nothing.

import { KEY_SCALES, KEYS, QUERIES, QUERY_SCALES, score, SCORES_BYTES, TABLE_BYTES } from "../blocks";
import { POSITION, SLOT } from "../lists";
import { openedKeys, quants4, quants8, turnKeys } from "../open";
import { CLOSED, closedMiddles, closedScales, closedSteps, keyBits, pageOf, runBytes, scalesOffset } from "../pages";
import { sumLanes } from "../simd";
import { power4 } from "../softmax";
import { argument } from "../team";
import {
  bounds,
  candidate,
  choice,
  chosenPairs,
  chosenQueries,
  chosenScales,
  groupSize,
  isFar,
  otherQueries,
  threadBins,
  threadSums,
  turnOf,
  weights,
} from "./select";

/** Candidates [first, end) of a head. */
export function scoreKeys(kvHead: i32, first: i32, end: i32, chunk: usize): void {
  for (let four = first; four < end; four += 4) {
    const pages = min(4, end - four);
    for (let page = 0; page < pages; page++) addPage(kvHead, candidate(kvHead, four + page), chunk, page);
    const count = chosenPairs(argument(4));
    const scores = threadSums(chunk);
    score(chunk, pages << 2, 0, groupSize(), 2 * count, scores);
    for (let page = 0; page < pages; page++) addMiddles(kvHead, candidate(kvHead, four + page), page, chunk, scores);
    for (let query = 0; query < groupSize(); query++) {
      weighScores(
        scores + <usize>query * SCORES_BYTES,
        pages,
        load<f32>(bounds(choice(kvHead)) + ((<usize>query) << 2)),
        weights(kvHead, query) + ((<usize>four) << 4),
      );
    }
  }
}

/** Puts four runs of a page into the chunk, with the keys of the chosen pairs. */
function addPage(kvHead: i32, entry: usize, chunk: usize, index: i32): void {
  const headSize = argument(4);
  const made = choice(kvHead);
  const far = isFar(load<i32>(entry, POSITION));
  const chosen = chosenQueries(made, far);
  const scales = chosenScales(chosen);
  const pairs = (<usize>chosenPairs(headSize)) << 2;
  const copyBytes = (pairs << 2) + 16;
  const copy = chunk + TABLE_BYTES + <usize>(index << 2) * copyBytes;
  const slot = load<u32>(entry, SLOT);
  const page = pageOf(slot);
  if (slot & CLOSED) copyClosed(page, headSize, made, pairs, copy, copyBytes);
  else copyOpen(page, headSize, made, pairs, copy, copyBytes);
  for (let run: usize = 0; run < 4; run++) {
    const row = chunk + ((<usize>index) << 4) + (run << 2);
    store<u32>(row, <u32>(copy + run * copyBytes + 16), KEYS);
    store<u32>(row, <u32>(copy + run * copyBytes), KEY_SCALES);
    store<u32>(row, <u32>chosen, QUERIES);
    store<u32>(row, <u32>scales, QUERY_SCALES);
  }
  if (far) turnCopies(made, pairs, turnOf(load<i32>(entry, POSITION)), copy + 16, copyBytes, threadBins(chunk));
}

function copyOpen(page: usize, headSize: i32, made: usize, pairs: usize, copy: usize, copyBytes: usize): void {
  const bytes = runBytes(headSize);
  for (let run: usize = 0; run < 4; run++) {
    v128.store(copy, v128.load(page + scalesOffset(headSize)));
    for (let i: usize = 0; i < pairs; i += 4) v128.store(copy + (i << 2), v128.load(page + (load<u32>(made + i) << 4)), 16);
    page += bytes;
    copy += copyBytes;
  }
}

function copyClosed(page: usize, headSize: i32, made: usize, pairs: usize, copy: usize, copyBytes: usize): void {
  const scale = v128.load32_splat(page + closedScales(headSize));
  v128.store(copy, scale);
  v128.store(copy + copyBytes, scale);
  v128.store(copy + 2 * copyBytes, scale);
  v128.store(copy + 3 * copyBytes, scale);
  const steps = page + closedSteps(headSize);
  const middles = page + closedMiddles(headSize);
  const eight = keyBits() == 8;
  let to = copy + 16;
  for (let i: usize = 0; i < pairs; i += 4) {
    const pair = <usize>load<u32>(made + i);
    const step = v128.load32_splat(steps + (pair << 2));
    const middle = v128.load32_splat(middles + (pair << 2));
    for (let run: usize = 0; run < 4; run++) {
      const quants = eight ? quants8(page + (pair << 5), run) : quants4(page + (pair << 4), run);
      v128.store(to + run * copyBytes, openedKeys(quants, step, middle));
    }
    to += 16;
  }
}

/** Turns copied keys back by the angles of their page; `angles` has room for those of the chosen pairs. */
function turnCopies(made: usize, pairs: usize, turn: usize, keys: usize, copyBytes: usize, angles: usize): void {
  for (let i: usize = 0; i < pairs; i += 4) store<u64>(angles + (i << 1), load<u64>(turn + ((<usize>load<u32>(made + i)) << 3)));
  for (let run: usize = 0; run < 4; run++) {
    turnKeys(keys, <i32>(pairs >> 1), angles, keys);
    keys += copyBytes;
  }
}

/** Adds what the middles of a closed page come to on the other channels to the scores of its runs. */
function addMiddles(kvHead: i32, entry: usize, index: i32, chunk: usize, scores: usize): void {
  const slot = load<u32>(entry, SLOT);
  if (!(slot & CLOSED)) return;
  const headSize = argument(4);
  const page = pageOf(slot);
  const position = load<i32>(entry, POSITION);
  const far = isFar(position);
  const chosen = chosenQueries(choice(kvHead), far);
  const scale = load<f32>(page + closedScales(headSize));
  let middles = page + closedMiddles(headSize);
  const bytes = (<usize>headSize) << 1;
  if (far) {
    const turned = threadBins(chunk);
    turnVector(middles, headSize, turnOf(position), turned);
    middles = turned;
  }
  let query = otherQueries(chosen);
  let scales = chosenScales(chosen);
  scores += (<usize>index) << 6;
  for (let left = groupSize(); left > 0; left--) {
    let dots = i32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) dots = i32x4.add(dots, i32x4.dot_i16x8_s(v128.load(query + i), v128.load(middles + i)));
    const base = f32x4.splat(sumLanes(f32x4.convert_i32x4_s(dots)) * scale * load<f32>(scales));
    for (let run: usize = 0; run < 64; run += 16) v128.store(scores + run, f32x4.add(v128.load(scores + run), base));
    query += bytes;
    scales += 4;
    scores += SCORES_BYTES;
  }
}

/** One vector int16 [E], turned back. */
function turnVector(x: usize, headSize: i32, turn: usize, to: usize): void {
  for (let pair: usize = 0; pair < <usize>headSize >> 1; pair++) {
    const cos = load<f32>(turn + (pair << 3));
    const sin = load<f32>(turn + (pair << 3), 4);
    const a = <f32>load<i16>(x + (pair << 2));
    const b = <f32>load<i16>(x + (pair << 2), 2);
    store<i16>(to + (pair << 2), <i16>nearest(a * cos + b * sin));
    store<i16>(to + (pair << 2), <i16>nearest(b * cos - a * sin), 2);
  }
}

/** The sum of 2^(score - bound) of each run's tokens. Scores far above the bound, which is a sample's, end at 2^120. */
function weighScores(scores: usize, pages: i32, bound: f32, to: usize): void {
  const base = f32x4.splat(bound);
  const most = f32x4.splat(120);
  for (let page: usize = 0; page < <usize>pages; page++) {
    const a = power4(f32x4.pmin(f32x4.sub(v128.load(scores), base), most));
    const b = power4(f32x4.pmin(f32x4.sub(v128.load(scores, 16), base), most));
    const c = power4(f32x4.pmin(f32x4.sub(v128.load(scores, 32), base), most));
    const d = power4(f32x4.pmin(f32x4.sub(v128.load(scores, 48), base), most));
    const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 1, 4, 5), v128.shuffle<i32>(a, b, 2, 3, 6, 7));
    const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 1, 4, 5), v128.shuffle<i32>(c, d, 2, 3, 6, 7));
    v128.store(to, f32x4.add(v128.shuffle<i32>(ab, cd, 0, 2, 4, 6), v128.shuffle<i32>(ab, cd, 1, 3, 5, 7)));
    scores += 64;
    to += 16;
  }
}
