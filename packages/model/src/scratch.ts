import { partialsLength, planAttention } from "@longtab/attention/webgpu";
import type { AttentionPlan } from "@longtab/attention/webgpu";
import type { Gpu } from "@longtab/gpu";
import type { ModelConfig } from "./config.ts";

/** Most tokens of one step: a chunk of a prompt. */
export const maxStepTokens = 256;

/** Most rows whose logits one step keeps: what `score` asks for at a time. */
export const maxLogitRows = 16;

/** Query rotations that a step may carry: one for each row's own position, one for sinks. */
const maxRotations = 2;

/** Activations between the kernels of a step, shared by all layers and all timelines. f32; T is at most `maxStepTokens`. */
export interface Scratch {
  /** [T, D], the residual stream. */
  x: GPUBuffer;
  /** [T, D] */
  normed: GPUBuffer;
  /** [T, (H + 2G) E] */
  qkv: GPUBuffer;
  /** [rotations, T, E / 2] of (cos, sin). */
  rotations: GPUBuffer;
  /** [rotations, T, H E] */
  queries: GPUBuffer;
  /** [H, splits, E + 2] */
  partials: GPUBuffer;
  /** [T, H E] */
  attended: GPUBuffer;
  /** [T, 2F] */
  gateUp: GPUBuffer;
  /** [T, F] */
  activated: GPUBuffer;
  /** [maxLogitRows, V], each row padded to whole vec4 (the head's stride). */
  logits: GPUBuffer;
}

function scratchLengths(config: ModelConfig, attention: AttentionPlan): Record<keyof Scratch, number> {
  const { hidden, heads, kvHeads, headSize, ffn, vocabulary } = config;
  return {
    x: maxStepTokens * hidden,
    normed: maxStepTokens * hidden,
    qkv: maxStepTokens * (heads + 2 * kvHeads) * headSize,
    rotations: maxRotations * maxStepTokens * headSize,
    queries: maxRotations * maxStepTokens * heads * headSize,
    partials: partialsLength(attention),
    attended: maxStepTokens * heads * headSize,
    gateUp: maxStepTokens * 2 * ffn,
    activated: maxStepTokens * ffn,
    logits: maxLogitRows * Math.ceil(vocabulary / 4) * 4,
  };
}

/** Bytes that `createScratch` takes for lists of this many entries; the splits of hardware, which are the more. */
export function scratchBytes(config: ModelConfig, listCapacity: number): number {
  const attention = planAttention(config, listCapacity, false);
  return Object.values(scratchLengths(config, attention)).reduce((sum, length) => sum + length * 4, 0);
}

export function createScratch(gpu: Gpu, config: ModelConfig, attention: AttentionPlan): Scratch {
  const lengths = scratchLengths(config, attention);
  const create = (name: keyof Scratch): GPUBuffer =>
    gpu.createBuffer(name, lengths[name] * 4, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
  return {
    x: create("x"),
    normed: create("normed"),
    qkv: create("qkv"),
    rotations: create("rotations"),
    queries: create("queries"),
    partials: create("partials"),
    attended: create("attended"),
    gateUp: create("gateUp"),
    activated: create("activated"),
    logits: create("logits"),
  };
}
