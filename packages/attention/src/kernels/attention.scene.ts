import { readBuffer, Recorder } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { closedSlot, entryWords, headWords, pageTokens } from "../page.ts";
import type { CacheShape } from "../page.ts";
import { dense } from "../policies/dense.ts";
import { rotationTable } from "../rotation.ts";
import type { RotarySpec } from "../rotation.ts";
import { closes, recordBytes, storageOf } from "../webgpu/storage.ts";
import type { PageStorage } from "../webgpu/storage.ts";
import { partialsLength, planAttention, splitsOf } from "./attention-plan.ts";
import { recordAttention } from "./attention.ts";
import { attend } from "./attention.reference.ts";
import type { ReferenceToken } from "./attention.reference.ts";
import { readRecord } from "./closed-page.reference.ts";
import { roundToF16 } from "./f16.reference.ts";
import { selectionLengths } from "./selection.ts";
import { stepWords } from "./step.ts";

/** What the rows of a step see of a head's list. */
export interface Window {
  sinks: number;
  recent: number;
  from: number;
}

/** Every row sees everything. */
export const unwindowed: Window = { sinks: 0, recent: 0, from: Infinity };

/** A run of tokens on a list. */
export interface Run {
  position: number;
  count: number;
  /** Which of the step's query rotations meets it, or `far`. */
  rotation: number;
}

/** The rotation of entries that are met at a scene's `farDistance`. */
export const far = 0xffff_ffff;

export interface Scene {
  gpu: Gpu;
  shape: Omit<CacheShape, "layers">;
  spec: RotarySpec;
  /** Shift of the query for each rotation; [0] is 0. */
  shifts?: number[];
  /** By KV head. */
  windows?: Window[];
  /** The list of a KV head for a step with rows at `first` to `last`, in order of position; unless told, every page. */
  list?: (kvHead: number, first: number, last: number) => Run[];
  /** Split lists as for a CPU that plays a GPU: four tokens to an invocation. */
  software?: boolean;
  /** At full precision unless told. Where pages close, only without rotation. */
  storage?: PageStorage;
  /** Distance from a far page's first token; a scene with one has two `shifts`. */
  farDistance?: number;
}

/** A seeded stream of numbers in [-1, 1). */
export function createNoise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** Every page up to the row at `last`, whole, at its own position. */
export function everyPage(last: number): Run[] {
  return Array.from({ length: Math.floor(last / pageTokens) + 1 }, (_, page) => ({
    position: page * pageTokens,
    count: pageTokens,
    rotation: 0,
  }));
}

/** Whether the row at `query` sees the token at `key`: the rule in words. */
function sees({ sinks, recent, from }: Window, query: number, key: number): boolean {
  if (key > query) return false;
  if (query < from || key < sinks) return true;
  return Math.floor(query / pageTokens) - Math.floor(key / pageTokens) <= recent / pageTokens;
}

/** Where pages lie: anywhere, for the factor has no divisor in common with the number of places. */
function scatter(index: number, places: number, factor: number): number {
  return (index * factor) % places;
}

/** Runs steps of these sizes through one layer and compares every row of the last step with the reference; the largest difference. */
export async function worstError(scene: Scene, steps: number[]): Promise<number> {
  const { gpu, shape, spec, shifts = [0], windows = [], list = (_, __, last) => everyPage(last), software = false } = scene;
  const { storage = storageOf("f16"), farDistance } = scene;
  const { heads, kvHeads, headSize } = shape;
  const noise = createNoise(7);
  const context = steps.reduce((sum, tokens) => sum + tokens, 0);
  const maxStep = Math.max(...steps);
  const pages = Math.ceil(context / pageTokens);
  const places = 35 * Math.ceil((kvHeads * pages) / 35) + 1;
  const pageOf = (kvHead: number, position: number): number => scatter(kvHead * pages + Math.floor(position / pageTokens), places, 7);
  const closedOf = (kvHead: number, position: number): number => scatter(kvHead * pages + Math.floor(position / pageTokens), places, 5);
  const plan = planAttention({ layers: 1, ...shape }, storage, dense, pages, software);
  const recorder = new Recorder(gpu);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const create = (label: string, words: number): GPUBuffer => gpu.createBuffer(label, words * 4, usage);
  const width = (heads + 2 * kvHeads) * headSize;
  const selected = selectionLengths(plan.shape, storage.boxRuns, plan.selection);
  const selection = {
    scores: create("scores", selected.scores),
    parts: create("parts", selected.parts),
    selected: create("selected", selected.selected),
    selectedHeads: create("selected heads", selected.selectedHeads),
  };
  const buffers = {
    qkv: create("qkv", maxStep * width),
    rotations: create("rotations", 3 * maxStep * headSize),
    queries: create("queries", 3 * maxStep * heads * headSize),
    partials: create("partials", partialsLength(plan)),
    y: create("y", maxStep * heads * headSize),
  };
  const cache = {
    keys: create("keys", (places * pageTokens * headSize) / 2),
    values: create("values", (places * pageTokens * headSize) / 2),
    closed: create("closed", Math.max(4, (places * recordBytes(shape, storage)) / 4)),
    entries: create("entries", kvHeads * pages * entryWords),
    heads: create("heads", kvHeads * headWords),
    slots: create("slots", kvHeads * maxStep),
    closings: create("closings", kvHeads * pages * 2),
    hits: create("hits", pages),
    looks: create("looks", pages),
    turns: create("far turns", pages * headSize),
  };
  const firsts = Array.from({ length: pages }, (_, page) => page * pageTokens);
  gpu.device.queue.writeBuffer(cache.turns, 0, rotationTable(spec, firsts));
  const history: Float32Array<ArrayBuffer>[] = [];
  let lists: Run[][] = [];
  /** Tokens of pages that are closed. */
  let closedTokens = 0;
  gpu.device.pushErrorScope("validation");
  for (const tokens of steps) {
    const position = history.length;
    closedTokens = closes(storage) ? Math.floor(position / pageTokens) * pageTokens : 0;
    const slotOf = (kvHead: number, at: number): number =>
      at < closedTokens
        ? closedSlot + closedOf(kvHead, at) * pageTokens + (at % pageTokens)
        : pageOf(kvHead, at) * pageTokens + (at % pageTokens);
    const qkv = Float32Array.from({ length: tokens * width }, noise);
    for (let row = 0; row < tokens; row++) history.push(qkv.slice(row * width, (row + 1) * width));
    const positions = shifts.flatMap((shift) => Array.from({ length: tokens }, (_, i) => position + i + shift));
    if (farDistance !== undefined) positions.push(...Array.from({ length: tokens }, () => farDistance));
    lists = Array.from({ length: kvHeads }, (_, kvHead) => list(kvHead, position, position + tokens - 1));
    const entries = new Uint32Array(kvHeads * pages * entryWords);
    const records = new Uint32Array(kvHeads * headWords);
    const closings: number[] = [];
    for (const [kvHead, runs] of lists.entries()) {
      const { sinks, recent, from } = windows[kvHead] ?? unwindowed;
      records.set([runs.length, runs.length, runs.length, sinks, recent, Math.min(from, 0xffff_ffff)], kvHead * headWords);
      for (const [index, { position: at, count, rotation }] of runs.entries())
        entries.set([slotOf(kvHead, at), at, count, rotation], (kvHead * pages + index) * entryWords);
      for (let at = closedTokens; closes(storage) && at + pageTokens <= position + tokens; at += pageTokens)
        closings.push(pageOf(kvHead, at), closedOf(kvHead, at));
    }
    const slots = Array.from({ length: kvHeads }, (_, kvHead) => Array.from({ length: tokens }, (__, i) => slotOf(kvHead, position + i)));
    const { queue } = gpu.device;
    queue.writeBuffer(buffers.qkv, 0, qkv);
    queue.writeBuffer(buffers.rotations, 0, rotationTable(spec, positions));
    queue.writeBuffer(cache.entries, 0, entries);
    queue.writeBuffer(cache.heads, 0, records);
    queue.writeBuffer(cache.slots, 0, Uint32Array.from(slots.flat()));
    queue.writeBuffer(cache.closings, 0, Uint32Array.from(closings));
    const read = { longest: Math.max(...lists.map(({ length }) => length)), selects: false };
    recorder.submit((step) => {
      const uniform = step.uniform(
        stepWords({ tokens, position, rotations: positions.length / tokens, splits: splitsOf(plan, read), headSize }),
      );
      recordAttention(
        step,
        plan,
        { storage, ...cache },
        { ...buffers, selection },
        { ...read, tokens, closings: closings.length / 2, uniform },
      );
    });
  }
  const error = await gpu.device.popErrorScope();
  if (error) throw new Error(error.message);

  const rows = steps.at(-1) ?? 0;
  const y = new Float32Array(await readBuffer(gpu, buffers.y, 0, rows * heads * headSize * 4));
  const closed = await readBuffer(gpu, cache.closed);
  for (const buffer of [...Object.values(buffers), ...Object.values(cache), ...Object.values(selection)]) gpu.destroyBuffer(buffer);
  const bytes = recordBytes(shape, storage);
  const closedPages = Array.from({ length: kvHeads }, (_, kvHead) =>
    Array.from({ length: closedTokens / pageTokens }, (__, page) =>
      readRecord(new Uint8Array(closed, closedOf(kvHead, page * pageTokens) * bytes, bytes), headSize, storage),
    ),
  );
  const storedOf = (kvHead: number, token: number): { key: ArrayLike<number>; value: ArrayLike<number> } => {
    const page = closedPages[kvHead]?.[Math.floor(token / pageTokens)];
    const at = (start: number): number[] =>
      Array.from(
        (history[token] as Float32Array).subarray(start * headSize, (start + 1) * headSize),
        closes(storage) ? roundToF16 : Number,
      );
    return {
      key: page?.keys[token % pageTokens] ?? at(heads + kvHead),
      value: page?.values[token % pageTokens] ?? at(heads + kvHeads + kvHead),
    };
  };
  let worst = 0;
  for (let row = 0; row < rows; row++) {
    const position = context - rows + row;
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const tokens = (lists[kvHead] ?? []).flatMap((run) =>
        Array.from({ length: run.count }, (_, i) => run.position + i)
          .filter((token) => sees(windows[kvHead] ?? unwindowed, position, token))
          .map((token): ReferenceToken => {
            const page = Math.floor(token / pageTokens) * pageTokens;
            const shift = run.rotation === far ? page + (farDistance ?? NaN) - position : (shifts[run.rotation] ?? NaN);
            const { key, value } = storedOf(kvHead, token);
            return { position: token, shift, key, value };
          }),
      );
      const query = (history[position] as Float32Array).subarray(head * headSize, (head + 1) * headSize);
      const expected = attend(spec, query, position, tokens, (vector) => (closes(storage) ? vector : vector.map(roundToF16)));
      for (let e = 0; e < headSize; e++) {
        const difference = Math.abs((y[(row * heads + head) * headSize + e] ?? NaN) - (expected[e] ?? NaN));
        worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
      }
    }
  }
  return worst;
}
