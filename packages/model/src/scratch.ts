import { partialsLength, selectionLengths } from "@longtab/attention/webgpu";
import type { AttentionPlan, SelectionScratch } from "@longtab/attention/webgpu";
import type { Gpu } from "@longtab/gpu";
import type { ModelConfig } from "./config.ts";

/** Most tokens of one step: a chunk of a prompt. */
export const maxStepTokens = 256;

/** Most rows whose logits one step keeps: what `score` asks for at a time. */
export const maxLogitRows = 16;

/** Query rotations that a step may carry: one for each row's own position, one for sinks, one for far pages. */
const maxRotations = 3;

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
  /** Of the runs that a decode step may select, and the lists of those that it does. */
  selection: Omit<SelectionScratch, "selected" | "selectedHeads">;
  /** By layer: later steps may go by what one has selected. */
  selected: readonly Pick<SelectionScratch, "selected" | "selectedHeads">[];
}

type Activations = Omit<Scratch, "selection" | "selected">;

function scratchLengths(config: ModelConfig, attention: AttentionPlan): Record<keyof Activations, number> {
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

/** Bytes that `createScratch` takes. */
export function scratchBytes(config: ModelConfig, attention: AttentionPlan): number {
  const { shape, boxRuns, selection } = attention;
  const { scores, parts, selected, selectedHeads } = selectionLengths(shape, boxRuns, selection);
  const lengths = [...Object.values(scratchLengths(config, attention)), scores, parts, config.layers * (selected + selectedHeads)];
  return lengths.reduce((sum, length) => sum + length * 4, 0);
}

export function createScratch(gpu: Gpu, config: ModelConfig, attention: AttentionPlan): Scratch {
  const lengths = scratchLengths(config, attention);
  const selected = selectionLengths(attention.shape, attention.boxRuns, attention.selection);
  const create = (name: string, length: number): GPUBuffer =>
    gpu.createBuffer(name, length * 4, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
  const activation = (name: keyof Activations): GPUBuffer => create(name, lengths[name]);
  const selection = (name: keyof SelectionScratch): GPUBuffer => create(name, selected[name]);
  return {
    x: activation("x"),
    normed: activation("normed"),
    qkv: activation("qkv"),
    rotations: activation("rotations"),
    queries: activation("queries"),
    partials: activation("partials"),
    attended: activation("attended"),
    gateUp: activation("gateUp"),
    activated: activation("activated"),
    logits: activation("logits"),
    selection: { scores: selection("scores"), parts: selection("parts") },
    selected: Array.from({ length: config.layers }, () => ({
      selected: selection("selected"),
      selectedHeads: selection("selectedHeads"),
    })),
  };
}
