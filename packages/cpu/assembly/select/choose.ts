// What a sample of the candidates, 16 runs from the first to the last, says about them: how large a query's scores are, and which pairs
// of channels make them differ. Those pairs are chosen whose part of the scores varies most, summed over the group.

import { KEY_SCALES, KEYS, QUERIES, QUERY_SCALES } from "../blocks";
import { addRuns } from "../chunk";
import { COUNT, FAR, FAR_ROTATION, POSITION, ROTATION, SLOT } from "../lists";
import { RUN_TOKENS } from "../pages";
import { maxLanes, sumLanes } from "../simd";
import { argument } from "../team";
import {
  bounds,
  candidate,
  candidates,
  choice,
  chosenPairs,
  chosenQueries,
  chosenScales,
  groupSize,
  headQueries,
  headScales,
  isFar,
  otherQueries,
  SAMPLE,
  selects,
  threadBins,
  threadChunk,
  threadSums,
} from "./select";

export function performChoose(kvHead: i32): void {
  if (!selects(kvHead)) return;
  const chunk = threadChunk();
  sampleRuns(kvHead, chunk, threadBins(chunk));
  const made = choice(kvHead);
  const sums = threadSums(chunk);
  const pairs = argument(4) >> 1;
  sumScores(chunk, sums, bounds(made));
  choosePairs(sums + ((<usize>(groupSize() * pairs)) << 4), pairs, made);
  splitQueries(kvHead, made, false);
  if (argument(1) > FAR_ROTATION) splitQueries(kvHead, made, true);
}

/** Fills a chunk with runs of the candidates; `entry` has room for one. */
function sampleRuns(kvHead: i32, chunk: usize, entry: usize): void {
  const headSize = argument(4);
  const rotationBytes = (<usize>(argument(2) * headSize)) << 1;
  const rotationScales = (<usize>argument(2)) << 2;
  for (let index = 0; index < SAMPLE; index++) {
    const source = candidate(kvHead, (index * candidates(kvHead)) / SAMPLE);
    const token = (index & 3) * RUN_TOKENS;
    const position = load<i32>(source, POSITION);
    store<u32>(entry, load<u32>(source, SLOT) + token, SLOT);
    store<i32>(entry, position + token, POSITION);
    store<i32>(entry, RUN_TOKENS, COUNT);
    store<i32>(entry, isFar(position) ? FAR : 0, ROTATION);
    const queries = headQueries(kvHead, 0);
    const scales = headScales(kvHead, 0);
    addRuns(chunk, index, entry, queries, rotationBytes, scales, rotationScales, headSize, i32.MAX_VALUE, 0, 0, <usize>argument(12));
  }
}

/**
 * Sums what each pair of channels adds to the sample's scores: [group, pairs] of four sums, then [pairs] of four sums of squares over the
 * group, less the squares of the means. The largest score of each query goes to `largest`.
 */
function sumScores(chunk: usize, sums: usize, largest: usize): void {
  const group = <usize>groupSize();
  const headSize = <usize>argument(4);
  const rowBytes = headSize << 3;
  const squares = sums + group * rowBytes;
  memory.fill(sums, 0, (group + 1) * rowBytes);
  for (let query: usize = 0; query < group; query++) {
    let most = f32x4.splat(-f32.MAX_VALUE);
    for (let row = chunk; row < chunk + ((<usize>SAMPLE) << 2); row += 4) {
      const key = <usize>load<u32>(row, KEYS);
      const q = <usize>load<u32>(row, QUERIES) + query * (headSize << 1);
      const scale = f32x4.mul(v128.load(load<u32>(row, KEY_SCALES)), v128.load32_splat(<usize>load<u32>(row, QUERY_SCALES) + (query << 2)));
      let score = f32x4.splat(0);
      for (let pair: usize = 0; pair < rowBytes; pair += 16) {
        const part = f32x4.mul(f32x4.convert_i32x4_s(i32x4.dot_i16x8_s(v128.load(key + pair), v128.load32_splat(q + (pair >> 2)))), scale);
        score = f32x4.add(score, part);
        v128.store(sums + pair, f32x4.add(v128.load(sums + pair), part));
        v128.store(squares + pair, f32x4.add(v128.load(squares + pair), f32x4.mul(part, part)));
      }
      most = f32x4.max(most, score);
    }
    store<f32>(largest + (query << 2), maxLanes(most));
    for (let pair: usize = 0; pair < rowBytes; pair += 16) {
      const sum = sumLanes(v128.load(sums + pair));
      const square = sum * sum * <f32>(1.0 / <f64>(SAMPLE * RUN_TOKENS));
      store<f32>(squares + pair, load<f32>(squares + pair) - square);
    }
    sums += rowBytes;
  }
}

/** Takes the pairs whose four sums come to most, the first of equals. */
function choosePairs(variances: usize, pairs: i32, chosen: usize): void {
  for (let pair: usize = 0; pair < <usize>pairs; pair++) {
    const at = variances + (pair << 4);
    store<f32>(at, max(sumLanes(v128.load(at)), 0));
  }
  const count = chosenPairs(argument(4));
  for (let index = 0; index < count; index++) {
    let best = 0;
    let most: f32 = -2;
    for (let pair = 0; pair < pairs; pair++) {
      const variance = load<f32>(variances + ((<usize>pair) << 4));
      if (variance > most) {
        most = variance;
        best = pair;
      }
    }
    store<f32>(variances + ((<usize>best) << 4), -1);
    store<i32>(chosen + ((<usize>index) << 2), best);
  }
}

/** Splits a head's queries into those on the chosen pairs and those on the other channels. */
function splitQueries(kvHead: i32, made: usize, far: bool): void {
  const headSize = argument(4);
  const group = groupSize();
  const rotation = far ? FAR_ROTATION : 0;
  const count = chosenPairs(headSize);
  const chosen = chosenQueries(made, far);
  const others = otherQueries(chosen);
  const queries = headQueries(kvHead, rotation);
  memory.copy(chosenScales(chosen), headScales(kvHead, rotation), (<usize>group) << 2);
  memory.copy(others, queries, (<usize>(group * headSize)) << 1);
  for (let query = 0; query < group; query++) {
    for (let index = 0; index < count; index++) {
      const pair = load<i32>(made + ((<usize>index) << 2));
      const at = ((<usize>(query * headSize)) << 1) + ((<usize>pair) << 2);
      store<u32>(chosen + ((<usize>(query * count + index)) << 2), load<u32>(queries + at));
      store<u32>(others + at, 0);
    }
  }
}
