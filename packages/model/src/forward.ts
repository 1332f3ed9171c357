import { recordAttention } from "@longtab/attention/webgpu";
import type { AttentionPlan, AttentionStep, LayerCache } from "@longtab/attention/webgpu";
import type { Step, UniformSlot } from "@longtab/gpu";
import { embed } from "./kernels/embed.ts";
import type { MatmulTuning } from "./kernels/matmul-tuning.ts";
import { matmul } from "./kernels/matmul.ts";
import { rmsNorm } from "./kernels/rms-norm.ts";
import { siluMul } from "./kernels/silu-mul.ts";
import type { LayerWeights, ModelWeights } from "./load.ts";
import type { Scratch } from "./scratch.ts";

/** A model ready to run: weights, the activations between kernels, and how the kernels are cut for this device. */
export interface Model {
  weights: ModelWeights;
  scratch: Scratch;
  attention: AttentionPlan;
  tuning: MatmulTuning;
}

/** `tokens` is at most `maxStepTokens`, and 1 when decoding. */
export interface ForwardInput extends AttentionStep {
  /** u32 ids by absolute position; the step reads those from its position on. */
  ids: GPUBuffer;
  /** The pages of layer `index`, this step's slots already given. */
  cache: (index: number) => LayerCache;
  /** Logits of the last row, into row 0, or of every row (at most `maxLogitRows`). */
  logitsOf: "last" | "all" | "none";
}

/**
 * The forward pass: token ids in, logits out, into `scratch.logits`. Prefill and decode are this one function.
 * Only records GPU work, in the order the paper draws it; nothing here waits, reads back or allocates.
 * T tokens this step, D hidden, H query heads, G kv heads, E head size, F ffn, V vocabulary.
 */
export function recordForward(step: Step, model: Model, input: ForwardInput): void {
  const { weights, scratch: s, tuning } = model;
  const { tokens, uniform, logitsOf } = input;
  embed(step, { table: weights.embedding, ids: input.ids, y: s.x, rows: tokens, step: uniform }); // [T, D]
  for (const [index, layer] of weights.layers.entries()) recordLayer(step, model, layer, index, input);
  if (logitsOf === "none") return;
  const rows = logitsOf === "last" ? 1 : tokens;
  norm(step, model, s.x, weights.outputNorm, s.normed, rows, uniform, logitsOf === "last"); // prefill needs one row of logits, not T
  matmul(step, tuning, { weight: weights.head, x: s.normed, y: s.logits, rows, step: uniform }); // [rows, V], rows padded to vec4
}

function recordLayer(step: Step, model: Model, layer: LayerWeights, index: number, input: ForwardInput): void {
  const { weights, scratch: s, attention, tuning } = model;
  const { ffn } = weights.config;
  const { tokens, uniform } = input;
  const rows = tokens;
  norm(step, model, s.x, layer.attentionNorm, s.normed, rows, uniform);
  matmul(step, tuning, { weight: layer.qkv, x: s.normed, y: s.qkv, rows, step: uniform }); // [T, (H + 2G) E]
  const selected = s.selected[index] as Scratch["selected"][number];
  const buffers = { ...s, y: s.attended, selection: { ...s.selection, ...selected } };
  recordAttention(step, attention, input.cache(index), buffers, input); // [T, H E]
  matmul(step, tuning, { weight: layer.attentionOutput, x: s.attended, y: s.x, rows, accumulate: true, step: uniform }); // x += [T, D]

  norm(step, model, s.x, layer.ffnNorm, s.normed, rows, uniform);
  matmul(step, tuning, { weight: layer.gateUp, x: s.normed, y: s.gateUp, rows, step: uniform }); // [T, 2F]
  step.run(siluMul, { gate_up: s.gateUp, y: s.activated }, { DIM: ffn }, [Math.ceil(ffn / 64), rows]); // [T, F]
  matmul(step, tuning, { weight: layer.down, x: s.activated, y: s.x, rows, accumulate: true, step: uniform }); // x += [T, D]
}

function norm(
  step: Step,
  { weights }: Model,
  x: GPUBuffer,
  weight: GPUBuffer,
  y: GPUBuffer,
  rows: number,
  uniform: UniformSlot,
  lastRow = false,
): void {
  const { hidden, normEpsilon } = weights.config;
  step.run(rmsNorm, { step: uniform, x, weight, y }, { DIM: hidden, EPS: normEpsilon, LAST_ROW: Number(lastRow) }, [rows]);
}
