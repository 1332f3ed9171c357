import { defineKernel } from "@longtab/gpu";
import type { Step, UniformSlot } from "@longtab/gpu";
import combineSource from "../../../../shaders/attention_combine.wgsl?raw";
import decodeSource from "../../../../shaders/attention_decode.wgsl?raw";
import closedPageLibrary from "../../../../shaders/lib/closed_page.wgsl?raw";
import closedReadLibrary from "../../../../shaders/lib/closed_read.wgsl?raw";
import kvClosedLibrary from "../../../../shaders/lib/kv_closed.wgsl?raw";
import kvOpenLibrary from "../../../../shaders/lib/kv_open.wgsl?raw";
import pagesLibrary from "../../../../shaders/lib/pages.wgsl?raw";
import stepLibrary from "../../../../shaders/lib/step.wgsl?raw";
import prefillSource from "../../../../shaders/attention_prefill.wgsl?raw";
import ropeAppendSource from "../../../../shaders/rope_append.wgsl?raw";
import { pageTokens } from "../page.ts";
import type { LayerCache } from "../webgpu/layer.ts";
import { closes } from "../webgpu/storage.ts";
import { splitsOf } from "./attention-plan.ts";
import type { AttentionPlan, DecodeLists } from "./attention-plan.ts";
import { recordClosing, recordConstants } from "./closing.ts";
import { recordSelection } from "./selection.ts";
import type { SelectionScratch } from "./selection.ts";

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

const attentionCombine = defineKernel({
  name: "attention_combine",
  source: [stepLibrary, pagesLibrary, combineSource],
  bindings: { step: "uniform", partials: "read", y: "read_write" },
  constants: ["HEADS", "HEAD_SIZE"],
});

const listed = {
  step: "uniform",
  queries: "read",
  keys: "read",
  values: "read",
  closed: "read",
  entries: "read",
  heads: "read",
} as const;
const decodeConstants = ["KV_HEADS", "GROUP", "HEAD_SIZE", "SPLIT", "RUN"] as const;
const prefillConstants = ["KV_HEADS", "GROUP", "HEAD_SIZE", "QUERY_TOKENS", "RUN"] as const;
const recordNames = ["KEY_BITS", "VALUE_BITS", "BOX_RUNS"] as const;
const openSource = [stepLibrary, pagesLibrary, kvOpenLibrary];
const closedSource = [stepLibrary, pagesLibrary, closedPageLibrary, closedReadLibrary, kvClosedLibrary];

/** Where all pages are open, and where complete ones are closed. */
const attentionDecode = {
  open: defineKernel({
    name: "attention_decode",
    source: [...openSource, decodeSource],
    bindings: { ...listed, turns: "read", partials: "read_write" },
    constants: decodeConstants,
  }),
  closed: defineKernel({
    name: "attention_decode_closed",
    source: [...closedSource, decodeSource],
    bindings: { ...listed, turns: "read", partials: "read_write" },
    constants: [...decodeConstants, ...recordNames],
  }),
};

const attentionPrefill = {
  open: defineKernel({
    name: "attention_prefill",
    source: [...openSource, prefillSource],
    bindings: { ...listed, y: "read_write" },
    constants: prefillConstants,
  }),
  closed: defineKernel({
    name: "attention_prefill_closed",
    source: [...closedSource, prefillSource],
    bindings: { ...listed, y: "read_write" },
    constants: [...prefillConstants, ...recordNames],
  }),
};

/** Rows of attention_prefill.wgsl: tokens times query heads of a group. */
const prefillRows = 32;

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
  selection: SelectionScratch;
}

export interface AttentionStep extends DecodeLists {
  /** T. */
  tokens: number;
  /** Whether a step that selects goes by what an earlier one has selected. */
  selected?: boolean;
  /** Pages of a layer that this step completes. */
  closings: number;
  /** Of `stepWords`. */
  uniform: UniformSlot;
}

/**
 * Rotates queries and keys and stores this step's keys and values; attends over the lists of one layer, or over what is selected from them;
 * then closes the pages that the step completed.
 */
export function recordAttention(step: Step, plan: AttentionPlan, cache: LayerCache, buffers: AttentionBuffers, what: AttentionStep): void {
  const { shape } = plan;
  const { heads: queryHeads, kvHeads, headSize } = shape;
  const { qkv, rotations, queries } = buffers;
  const { keys, values, slots } = cache;
  const pairs = ((queryHeads + 2 * kvHeads) * headSize) / 2;
  step.run(
    ropeAppend,
    { step: what.uniform, qkv, rotations, slots, queries, keys, values },
    { HEADS: queryHeads, KV_HEADS: kvHeads, HEAD_SIZE: headSize },
    [Math.ceil(pairs / 64), what.tokens],
  );
  if (what.tokens > 1) recordPrefill(step, plan, cache, buffers, what);
  else recordDecode(step, plan, cache, buffers, what);
  recordClosing(step, shape, cache, what.closings, what.uniform);
}

function recordPrefill(step: Step, plan: AttentionPlan, cache: LayerCache, { queries, y }: AttentionBuffers, what: AttentionStep): void {
  const { shape } = plan;
  const { storage, keys, values, closed, entries, heads } = cache;
  const group = shape.heads / shape.kvHeads;
  const queryTokens = Math.floor(prefillRows / group);
  const bound = { step: what.uniform, queries, keys, values, closed, entries, heads, y };
  const constants = { KV_HEADS: shape.kvHeads, GROUP: group, HEAD_SIZE: shape.headSize, QUERY_TOKENS: queryTokens, RUN: pageTokens };
  const workgroups = [shape.kvHeads, Math.ceil(what.tokens / queryTokens)] as const;
  if (closes(storage)) step.run(attentionPrefill.closed, bound, { ...constants, ...recordConstants(shape, storage) }, workgroups);
  else step.run(attentionPrefill.open, bound, constants, workgroups);
}

function recordDecode(step: Step, plan: AttentionPlan, cache: LayerCache, buffers: AttentionBuffers, what: AttentionStep): void {
  const { shape } = plan;
  const { storage, keys, values, closed, turns } = cache;
  const { queries, partials, y, selection } = buffers;
  const { uniform, selects } = what;
  if (selects && !what.selected) recordSelection(step, plan, { ...cache, queries }, selection, what.longest, uniform);
  const { entries, heads } = selects ? { entries: selection.selected, heads: selection.selectedHeads } : cache;
  const bound = { step: uniform, queries, keys, values, closed, entries, heads, turns, partials };
  const constants = {
    KV_HEADS: shape.kvHeads,
    GROUP: shape.heads / shape.kvHeads,
    HEAD_SIZE: shape.headSize,
    SPLIT: plan.split,
    RUN: selects ? pageTokens / storage.boxRuns : pageTokens,
  };
  const workgroups = [shape.kvHeads, splitsOf(plan, what)] as const;
  if (closes(storage)) step.run(attentionDecode.closed, bound, { ...constants, ...recordConstants(shape, storage) }, workgroups);
  else step.run(attentionDecode.open, bound, constants, workgroups);
  step.run(attentionCombine, { step: uniform, partials, y }, { HEADS: shape.heads, HEAD_SIZE: shape.headSize }, [
    Math.ceil((shape.heads * shape.headSize) / 64),
  ]);
}
