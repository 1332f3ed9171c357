import { defineKernel } from "@longtab/gpu";
import type { Step, UniformSlot } from "@longtab/gpu";
import combineSource from "../../../../shaders/attention_combine.wgsl?raw";
import decodeSource from "../../../../shaders/attention_decode.wgsl?raw";
import pagesLibrary from "../../../../shaders/lib/pages.wgsl?raw";
import stepLibrary from "../../../../shaders/lib/step.wgsl?raw";
import prefillSource from "../../../../shaders/attention_prefill.wgsl?raw";
import ropeAppendSource from "../../../../shaders/rope_append.wgsl?raw";
import { pageTokens } from "../page.ts";
import type { CacheShape } from "../page.ts";
import type { LayerCache } from "../webgpu/layer.ts";

const ropeAppend = defineKernel({
  name: "rope_append",
  source: [stepLibrary, ropeAppendSource],
  bindings: {
    step: "uniform",
    qkv: "read",
    rotations: "read",
    slots: "read",
    queries: "read_write",
    keys: "read_write",
    values: "read_write",
  },
  constants: ["HEADS", "KV_HEADS", "HEAD_SIZE"],
});

const attentionDecode = defineKernel({
  name: "attention_decode",
  source: [stepLibrary, pagesLibrary, decodeSource],
  bindings: { step: "uniform", queries: "read", keys: "read", values: "read", entries: "read", heads: "read", partials: "read_write" },
  constants: ["KV_HEADS", "GROUP", "HEAD_SIZE", "SPLIT", "RUN"],
});

const attentionCombine = defineKernel({
  name: "attention_combine",
  source: [stepLibrary, pagesLibrary, combineSource],
  bindings: { step: "uniform", partials: "read", y: "read_write" },
  constants: ["HEADS", "HEAD_SIZE"],
});

const attentionPrefill = defineKernel({
  name: "attention_prefill",
  source: [stepLibrary, pagesLibrary, prefillSource],
  bindings: { step: "uniform", queries: "read", keys: "read", values: "read", entries: "read", heads: "read", y: "read_write" },
  constants: ["KV_HEADS", "GROUP", "HEAD_SIZE", "QUERY_TOKENS", "RUN"],
});

/** Invocations of attention_decode.wgsl: a split is one, two or four tokens for each. */
const decodeLanes = 64;
/** Rows of attention_prefill.wgsl: tokens times query heads of a group. */
const prefillRows = 32;

/** How the attention kernels are cut for one cache; constant while it lives. */
export interface AttentionPlan {
  shape: CacheShape;
  /** Tokens of a list that one workgroup of the decode kernel reads. */
  split: number;
  /** Splits of a list that is full. */
  maxSplits: number;
}

/** `capacity`: most pages on a list that decode attention reads. */
export function planAttention(shape: CacheShape, capacity: number, software: boolean): AttentionPlan {
  const group = shape.heads / shape.kvHeads;
  // Hardware wants many workgroups, a CPU few loads; the scores of a split (a vec4 for each token and four heads) must fit 4 KiB.
  const split = software ? Math.max(decodeLanes, 2 ** Math.floor(Math.log2(256 / Math.ceil(group / 4)))) : decodeLanes;
  return { shape, split, maxSplits: Math.ceil((capacity * pageTokens) / split) };
}

/** f32 elements of the decode kernel's partial results: [heads, maxSplits, E + 2]. */
export function partialsLength({ shape, maxSplits }: AttentionPlan): number {
  return shape.heads * maxSplits * (shape.headSize + 2);
}

/** Splits of a list of `entries` pages: the `splits` of the Step uniform. */
export function splitsOf(plan: AttentionPlan, entries: number): number {
  return Math.max(1, Math.ceil((entries * pageTokens) / plan.split));
}

export interface AttentionBuffers {
  /** [T, (heads + 2 kvHeads) E]. */
  qkv: GPUBuffer;
  /** [rotations, T, E / 2] of (cos, sin). */
  rotations: GPUBuffer;
  /** [rotations, T, heads E]: the rotated queries. */
  queries: GPUBuffer;
  partials: GPUBuffer;
  /** [T, heads E]. */
  y: GPUBuffer;
}

/** Rotates queries and keys and stores this step's keys and values; then attends over the lists of one layer. */
export function recordAttention(
  step: Step,
  plan: AttentionPlan,
  cache: LayerCache,
  buffers: AttentionBuffers,
  tokens: number,
  splits: number,
  uniform: UniformSlot,
): void {
  const { heads: queryHeads, kvHeads, headSize } = plan.shape;
  const { qkv, rotations, queries, partials, y } = buffers;
  const { keys, values, slots, entries, heads } = cache;
  const pairs = ((queryHeads + 2 * kvHeads) * headSize) / 2;
  step.run(
    ropeAppend,
    { step: uniform, qkv, rotations, slots, queries, keys, values },
    { HEADS: queryHeads, KV_HEADS: kvHeads, HEAD_SIZE: headSize },
    [Math.ceil(pairs / 64), tokens],
  );

  const group = queryHeads / kvHeads;
  const lists = { KV_HEADS: kvHeads, GROUP: group, HEAD_SIZE: headSize, RUN: pageTokens };
  if (tokens > 1) {
    const queryTokens = Math.floor(prefillRows / group);
    step.run(attentionPrefill, { step: uniform, queries, keys, values, entries, heads, y }, { ...lists, QUERY_TOKENS: queryTokens }, [
      kvHeads,
      Math.ceil(tokens / queryTokens),
    ]);
    return;
  }
  step.run(attentionDecode, { step: uniform, queries, keys, values, entries, heads, partials }, { ...lists, SPLIT: plan.split }, [
    kvHeads,
    splits,
  ]);
  step.run(attentionCombine, { step: uniform, partials, y }, { HEADS: queryHeads, HEAD_SIZE: headSize }, [
    Math.ceil((queryHeads * headSize) / 64),
  ]);
}
