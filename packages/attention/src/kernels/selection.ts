import { defineKernel } from "@longtab/gpu";
import type { Step, StorageBinding, UniformSlot } from "@longtab/gpu";
import closedPageLibrary from "../../../../shaders/lib/closed_page.wgsl?raw";
import closedReadLibrary from "../../../../shaders/lib/closed_read.wgsl?raw";
import pagesLibrary from "../../../../shaders/lib/pages.wgsl?raw";
import stepLibrary from "../../../../shaders/lib/step.wgsl?raw";
import selectRunsSource from "../../../../shaders/select_runs.wgsl?raw";
import selectScoreSource from "../../../../shaders/select_score.wgsl?raw";
import { entryWords, headWords } from "../page.ts";
import type { CacheShape } from "../page.ts";
import type { PageStorage } from "../webgpu/storage.ts";
import { recordConstants } from "./closing.ts";

const selectScore = defineKernel({
  name: "select_score",
  source: [stepLibrary, pagesLibrary, closedPageLibrary, closedReadLibrary, selectScoreSource],
  bindings: {
    step: "uniform",
    queries: "read",
    entries: "read",
    heads: "read",
    closed: "read",
    turns: "read",
    scores: "read_write",
    parts: "read_write",
  },
  constants: ["KV_HEADS", "GROUP", "HEAD_SIZE", "KEY_BITS", "VALUE_BITS", "BOX_RUNS", "MEETS_FAR"],
});

const selectRuns = defineKernel({
  name: "select_runs",
  source: [stepLibrary, pagesLibrary, selectRunsSource],
  bindings: {
    step: "uniform",
    entries: "read",
    heads: "read",
    scores: "read_write",
    parts: "read",
    selected: "read_write",
    selectedHeads: "read_write",
    hits: "read_write",
    looks: "read_write",
  },
  constants: ["KV_HEADS", "GROUP", "BOX_RUNS"],
});

/** Pages that one workgroup of select_score.wgsl scores. */
const partPages = 64;

/** What a decode step selects from and into; the sizes of `SelectionScratch`. */
export interface SelectionPlan {
  /** Most candidate pages of a head. */
  pages: number;
  /** Entries of a selected list at most, each a run of 16 / boxRuns tokens. */
  capacity: number;
  /** Whether candidates may be met at the fixed distance. */
  meetsFar: boolean;
}

/** Buffers of one selection, which every layer uses again. */
export interface SelectionScratch {
  scores: GPUBuffer;
  parts: GPUBuffer;
  /** [kvHeads, capacity] of four words. */
  selected: GPUBuffer;
  /** [kvHeads] of eight words. */
  selectedHeads: GPUBuffer;
}

/** u32 or f32 elements of each buffer. */
export function selectionLengths(
  { heads, kvHeads }: CacheShape,
  boxRuns: number,
  { pages, capacity }: Pick<SelectionPlan, "pages" | "capacity">,
): Record<keyof SelectionScratch, number> {
  const fours = kvHeads * Math.ceil(heads / kvHeads / 4);
  return {
    scores: fours * pages * Math.max(1, boxRuns) * 4,
    parts: fours * Math.ceil(pages / partPages) * 8,
    selected: kvHeads * capacity * entryWords,
    selectedHeads: kvHeads * headWords,
  };
}

export interface SelectionInputs {
  storage: PageStorage;
  /** [rotations, heads E], rotated. */
  queries: StorageBinding;
  entries: StorageBinding;
  heads: StorageBinding;
  closed: StorageBinding;
  /** Of `FarTurns`. */
  turns: StorageBinding;
  /** u32 [pages by position]: counts the runs that were taken. */
  hits: StorageBinding;
  /** u32 [kvHeads, runs]: 1 + the position of the page of each run that was taken, where it may be away; else 0. */
  looks: StorageBinding;
}

/** Writes the list that decode attention reads from each head's candidates; `longest`: entries of the longest list. */
export function recordSelection(
  step: Step,
  { shape, selection: { meetsFar } }: { shape: CacheShape; selection: SelectionPlan },
  { storage, queries, entries, heads, closed, turns, hits, looks }: SelectionInputs,
  { scores, parts, selected, selectedHeads }: SelectionScratch,
  longest: number,
  uniform: UniformSlot,
): void {
  const { kvHeads } = shape;
  const group = { KV_HEADS: kvHeads, GROUP: shape.heads / kvHeads };
  step.run(
    selectScore,
    { step: uniform, queries, entries, heads, closed, turns, scores, parts },
    { ...group, ...recordConstants(shape, storage), MEETS_FAR: Number(meetsFar) },
    [kvHeads, Math.ceil(longest / partPages)],
  );
  step.run(
    selectRuns,
    { step: uniform, entries, heads, scores, parts, selected, selectedHeads, hits, looks },
    { ...group, BOX_RUNS: storage.boxRuns },
    [kvHeads],
  );
}
