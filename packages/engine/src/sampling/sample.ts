import { defineKernel } from "@longtab/gpu";
import type { Gpu, Step } from "@longtab/gpu";
import randomWgsl from "../../../../shaders/lib/random.wgsl?raw";
import samplingWgsl from "../../../../shaders/lib/sampling.wgsl?raw";
import drawWgsl from "../../../../shaders/sample_draw.wgsl?raw";
import histogramWgsl from "../../../../shaders/sample_histogram.wgsl?raw";
import scoresWgsl from "../../../../shaders/sample_scores.wgsl?raw";
import type { Sampling } from "../backend.ts";

/** Ids that one workgroup reads: CHUNK of shaders/lib/sampling.wgsl. */
const chunk = 4096;
/** INVOCATIONS and BINS there. */
const invocations = 256;
/** DIGITS there. */
const digitsOfKey = 4;
/** EXCLUDED_KEY there: above the key of every token that can be drawn. */
const excludedKey = 0xff000000;

const sampleScores = defineKernel({
  name: "sample_scores",
  source: [samplingWgsl, scoresWgsl],
  bindings: { sampling: "uniform", logits: "read", tokens: "read", scores: "read_write", chunkBest: "read_write", histogram: "read_write" },
  constants: [],
});

const sampleHistogram = defineKernel({
  name: "sample_histogram",
  source: [samplingWgsl, histogramWgsl],
  bindings: { sampling: "uniform", scores: "read", chunkBest: "read", histogram: "read_write" },
  constants: [],
});

const sampleDraw = defineKernel({
  name: "sample_draw",
  source: [samplingWgsl, randomWgsl, drawWgsl],
  bindings: {
    sampling: "uniform",
    scores: "read",
    chunkBest: "read",
    histogram: "read",
    candidates: "read_write",
    tokens: "read_write",
    sampled: "read_write",
  },
  constants: [],
});

/** What one draw leaves behind for its later dispatches; draws of one queue may share it. */
export interface SamplerScratch {
  /** f32 [V]: logits after the repetition penalty. */
  readonly scores: GPUBuffer;
  /** (f32 score, u32 id) of the best of each chunk of ids. */
  readonly chunkBest: GPUBuffer;
  /** u64 [256]: number or mass of the tokens by the first digit of their key. */
  readonly histogram: GPUBuffer;
  /** (u32 key, u32 id) of the tokens that the first look at all of them keeps. */
  readonly candidates: GPUBuffer;
  dispose(): void;
}

/** Allocates 12 bytes per id of the vocabulary, and a little. */
export function createSamplerScratch(gpu: Gpu, vocabularySize: number): SamplerScratch {
  const create = (name: string, size: number): GPUBuffer => gpu.createBuffer(`sampler ${name}`, size, GPUBufferUsage.STORAGE);
  const buffers = {
    scores: create("scores", vocabularySize * 4),
    chunkBest: create("best", Math.ceil(vocabularySize / chunk) * 8),
    histogram: create("histogram", invocations * 8),
    candidates: create("candidates", Math.ceil(vocabularySize / invocations) * invocations * 8),
  };
  return {
    ...buffers,
    dispose() {
      for (const buffer of Object.values(buffers)) gpu.destroyBuffer(buffer);
    },
  };
}

export interface SampleBuffers {
  /** f32 [V]; left as they are. */
  logits: GPUBuffer;
  /** u32: the timeline's ids by absolute position; the drawn one is written at `position`. */
  tokens: GPUBuffer;
  /** u32 [1]: the drawn id again, for read-back. */
  sampled: GPUBuffer;
  scratch: SamplerScratch;
  vocabularySize: number;
}

/**
 * Records the draw of the token at absolute position `position`: two dispatches, three with top-k or top-p. Only records.
 *
 * In this order: the repetition penalty divides positive logits by itself and multiplies the others, once for each id among the
 * `penaltyWindow` tokens before `position`; top-k keeps the k most probable; top-p keeps, of those, the fewest that hold
 * its share of their mass (at least one); min-p drops what is less probable than its share of the most probable. All
 * probabilities are those of the temperature. Tokens whose logits tie with the last one kept are kept too. A temperature of 0 takes
 * the most probable token, of equals the one with the lowest id; only the penalty applies.
 *
 * Logits of -inf or NaN are never drawn; where there are no others the answer is id 0. +inf counts as 1e30, the largest logit.
 *
 * The draw adds a Gumbel variate to each kept token's scaled logit and takes the maximum (Gumbel-max: each is drawn with its
 * probability). The variate is a hash of seed, position and id: the same seed, position, logits and window give the same token
 * on a device, however many steps are in flight.
 *
 * `sampling` must have passed `validateSampling`.
 */
export function recordSample(
  step: Step,
  { logits, tokens, sampled, scratch, vocabularySize }: SampleBuffers,
  sampling: Sampling,
  position: number,
): void {
  const { scores, chunkBest, histogram, candidates } = scratch;
  const chunks = Math.ceil(vocabularySize / chunk);
  const topK = sampling.topK < vocabularySize ? sampling.topK : 0;
  const digits = (topK > 0 ? digitsOfKey : 0) + (sampling.topP < 1 ? digitsOfKey : 0);
  const slot = step.uniform(uniformOf({ ...sampling, topK, vocabularySize, position, digits }));

  step.run(sampleScores, { sampling: slot, logits, tokens, scores, chunkBest, histogram }, {}, [chunks]);
  if (sampling.temperature > 0 && digits > 0) {
    step.run(sampleHistogram, { sampling: slot, scores, chunkBest, histogram }, {}, [chunks]);
  }
  step.run(sampleDraw, { sampling: slot, scores, chunkBest, histogram, candidates, tokens, sampled }, {}, [1]);
}

/** The struct Sampling of shaders/lib/sampling.wgsl. */
function uniformOf(values: Sampling & { vocabularySize: number; position: number; digits: number }): Uint32Array<ArrayBuffer> {
  const { temperature, topK, topP, minP, repetitionPenalty, penaltyWindow, seed, vocabularySize, position, digits } = values;
  const words = new Uint32Array(11);
  const floats = new Float32Array(words.buffer);
  words[0] = vocabularySize;
  words[1] = position;
  words[2] = repetitionPenalty === 1 ? position : position - Math.min(position, penaltyWindow);
  floats[3] = repetitionPenalty;
  floats[4] = 1 / repetitionPenalty;
  floats[5] = temperature === 0 ? 0 : 1 / temperature;
  words[6] = topK;
  floats[7] = topP;
  words[8] = minP === 0 ? excludedKey - 1 : keyOf(-Math.log(minP) * temperature);
  words[9] = seed;
  words[10] = digits;
  return words;
}

/** The key of a distance: its f32 bits without the sign. */
function keyOf(distance: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, distance);
  return view.getUint32(0) << 1;
}
