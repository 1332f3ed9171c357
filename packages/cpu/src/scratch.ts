import { entryWords, headWords, selectedCapacity } from "@longtab/attention";
import type { Selection } from "@longtab/attention";
import type { ModelConfig } from "@longtab/model";
import type { Heap } from "./heap.ts";
import { blockColumns, paddedRows } from "./forms.ts";
import type { Kernels } from "./kernels.ts";

/** Most tokens of one step: enough rows that weights are unpacked for many, and no more than a chunk should take. */
export const maxStepTokens = 64;

/** Most rows whose logits one step keeps: what `score` asks for at a time, and more than drafts ever need. */
export const maxLogitRows = 16;

/** Query rotations that a step may carry: for each row's own position, for sinks, and for far pages. */
const maxRotations = 3;

/** Team sizes that memory is planned for. */
export const maxThreads = 16;

/** Bytes of an input block: 16 bits and scales. */
const inputBlockBytes = 72;

export type InputBits = 8 | 16;

/** Where activations lie between the kernels of a step; shared by all layers and all timelines. Pointers; T is at most `maxStepTokens`. */
export interface Scratch {
  /** u32 [T] */
  ids: number;
  /** f32 [T, D], the residual stream. */
  x: number;
  /** f32 [T, D] */
  normed: number;
  /** A product's inputs, quantised to 8 or to 16 bits. */
  inputs: Readonly<Record<InputBits, number>>;
  /** f32 [T, (H + 2G) E] */
  qkv: number;
  /** f32 [rotations, T, E / 2] of (cos, sin). */
  rotations: number;
  /** The rotated queries of assembly/append.ts. */
  queries: number;
  attention: number;
  /** What a step of one row selects: u32 [layers, G, `selectedEntries`, 4], and head records u32 [layers, G, 8]. */
  selected: number;
  selectedHeads: number;
  selection: number;
  /** u32 [layers, G, `looksWords`]: which pages a step of one row looked at of those that may be away. */
  looks: number;
  /** f32 [T, H E] */
  attended: number;
  /** f32 [T, 2F] */
  gateUp: number;
  /** f32 [maxLogitRows, V padded] */
  logits: number;
  product: number;
}

type Part = keyof Omit<Scratch, "inputs"> | "inputs8" | "inputs16";

/** The lists of a step. */
export interface ListSizes {
  /** Entries of a list at most. */
  capacity: number;
  /** Of the policy, where it selects. */
  selection: Selection | undefined;
  /** Whether pages may be away. */
  moves?: boolean | undefined;
}

/** Words that a selection says of a head, as assembly/select/looks.ts has them: a count, and of each page that is picked a position and a share. */
export function looksWords({ runs }: Pick<Selection, "runs">): number {
  return 1 + 4 * runs;
}

/** Entries that a selection has room for. The open page is always read, even where the policy names no recents. */
export function selectedEntries(selection: Selection): number {
  return selectedCapacity(selection) + 2;
}

/** Bytes of each part. `sizes`: what the kernels say of their own scratch. */
function partBytes(config: ModelConfig, { capacity, selection, moves = false }: ListSizes, sizes: KernelSizes): Record<Part, number> {
  const { layers, hidden, heads, kvHeads, headSize, ffn, vocabulary } = config;
  const rows = maxStepTokens;
  const selected = selection ? selectedEntries(selection) : 0;
  const qkv = (heads + 2 * kvHeads) * headSize;
  const inputs = rows * Math.ceil(Math.max(hidden, heads * headSize, ffn) / blockColumns) * inputBlockBytes;
  return {
    ids: rows * 4,
    x: rows * hidden * 4,
    normed: rows * hidden * 4,
    inputs8: inputs,
    inputs16: inputs,
    qkv: rows * qkv * 4,
    rotations: maxRotations * rows * headSize * 4,
    queries: sizes.queriesBytes(maxRotations, rows, heads, headSize),
    attention: sizes.attentionScratchBytes(heads, kvHeads, headSize, Math.max(capacity, selected), maxThreads),
    selected: layers * kvHeads * selected * entryWords * 4,
    selectedHeads: layers * kvHeads * headWords * 4,
    looks: selection && moves ? layers * kvHeads * looksWords(selection) * 4 : 0,
    selection: selection ? sizes.selectionScratchBytes(heads, kvHeads, headSize, capacity, maxThreads) : 0,
    attended: rows * heads * headSize * 4,
    gateUp: rows * 2 * ffn * 4,
    logits: maxLogitRows * paddedRows(vocabulary) * 4,
    product: sizes.productScratch(Math.max(2 * ffn, qkv, hidden, paddedRows(vocabulary))),
  };
}

type KernelSizes = Pick<Kernels, "queriesBytes" | "attentionScratchBytes" | "selectionScratchBytes" | "productScratch">;

/** At least what the kernels will ask for, known without them: a plan comes before anything is fetched. */
const largestSizes: KernelSizes = {
  queriesBytes: (rotations, rows, heads, headSize) => rotations * rows * heads * (2 * headSize + 4) + 64,
  attentionScratchBytes: (heads, kvHeads, headSize, capacity, threads) => {
    const queries = Math.max(heads / kvHeads, 24);
    const state = 4 * headSize + 64;
    return 64 + threads * (chunkBytes(headSize) + queries * (2048 + 2 * state)) + kvHeads * Math.ceil(capacity / 16) * queries * state;
  },
  selectionScratchBytes: (heads, kvHeads, headSize, capacity, threads) => {
    const queries = heads / kvHeads + 1;
    const thread = chunkBytes(headSize) + queries * (256 + 8 * headSize) + 64;
    return 64 + threads * thread + kvHeads * queries * (8 * headSize + 256 + 24 * capacity);
  },
  productScratch: (rowsOut) => Math.ceil(rowsOut / 64) * 1024,
};

/** A table of 16 runs with room for copies of them. */
function chunkBytes(headSize: number): number {
  return 1024 + 16 * (12 * headSize + 32);
}

/** Bytes that `createScratch` takes at most. */
export function scratchBytes(config: ModelConfig, lists: ListSizes): number {
  return Object.values(partBytes(config, lists, largestSizes)).reduce((sum, bytes) => sum + bytes, 0);
}

/** @throws LongtabError `out-of-memory` */
export function createScratch(heap: Heap, config: ModelConfig, lists: ListSizes, kernels: Kernels): Scratch {
  const bytes = partBytes(config, lists, kernels);
  const { inputs8, inputs16, ...rest } = Object.fromEntries(
    Object.entries(bytes).map(([part, size]) => [part, heap.allocate(size)]),
  ) as Record<Part, number>;
  return { ...rest, inputs: { 8: inputs8, 16: inputs16 } };
}
