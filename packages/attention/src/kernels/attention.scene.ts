import { readBuffer, Recorder } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { entryWords, headWords, pageTokens } from "../page.ts";
import type { CacheShape } from "../page.ts";
import { rotationTable } from "../rotation.ts";
import type { RotarySpec } from "../rotation.ts";
import { partialsLength, planAttention, recordAttention, splitsOf } from "./attention.ts";
import { attend } from "./attention.reference.ts";
import type { ReferenceToken } from "./attention.reference.ts";
import { roundToF16 } from "./f16.reference.ts";

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
  /** Which of the step's query rotations meets it. */
  rotation: number;
}

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

/** Runs steps of these sizes through one layer and compares every row of the last step with the reference; the largest difference. */
export async function worstError(scene: Scene, steps: number[]): Promise<number> {
  const { gpu, shape, spec, shifts = [0], windows = [], list = (_, __, last) => everyPage(last), software = false } = scene;
  const { heads, kvHeads, headSize } = shape;
  const noise = createNoise(7);
  const context = steps.reduce((sum, tokens) => sum + tokens, 0);
  const maxStep = Math.max(...steps);
  const pages = Math.ceil(context / pageTokens);
  // Pages lie anywhere in the pool: 7 has no divisor in common with the number of places.
  const places = 7 * Math.ceil((kvHeads * pages) / 7) + 1;
  const slotOf = (kvHead: number, position: number): number =>
    (((kvHead * pages + Math.floor(position / pageTokens)) * 7) % places) * pageTokens + (position % pageTokens);
  const plan = planAttention({ layers: 1, ...shape }, pages, software);
  const recorder = new Recorder(gpu);
  const storage = (label: string, length: number): GPUBuffer =>
    gpu.createBuffer(label, length * 4, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
  const width = (heads + 2 * kvHeads) * headSize;
  const buffers = {
    qkv: storage("qkv", maxStep * width),
    rotations: storage("rotations", shifts.length * maxStep * headSize),
    queries: storage("queries", shifts.length * maxStep * heads * headSize),
    partials: storage("partials", partialsLength(plan)),
    y: storage("y", maxStep * heads * headSize),
  };
  const cache = {
    keys: storage("keys", (places * pageTokens * headSize) / 2),
    values: storage("values", (places * pageTokens * headSize) / 2),
    entries: storage("entries", kvHeads * pages * entryWords),
    heads: storage("heads", kvHeads * headWords),
    slots: storage("slots", kvHeads * maxStep),
  };
  const history: Float32Array<ArrayBuffer>[] = [];
  let lists: Run[][] = [];
  gpu.device.pushErrorScope("validation");
  for (const tokens of steps) {
    const position = history.length;
    const qkv = Float32Array.from({ length: tokens * width }, noise);
    for (let row = 0; row < tokens; row++) history.push(qkv.slice(row * width, (row + 1) * width));
    const positions = shifts.flatMap((shift) => Array.from({ length: tokens }, (_, i) => position + i + shift));
    lists = Array.from({ length: kvHeads }, (_, kvHead) => list(kvHead, position, position + tokens - 1));
    const entries = new Uint32Array(kvHeads * pages * entryWords);
    const records = new Uint32Array(kvHeads * headWords);
    for (const [kvHead, runs] of lists.entries()) {
      const { sinks, recent, from } = windows[kvHead] ?? unwindowed;
      records.set([runs.length, runs.length, runs.length, sinks, recent, Math.min(from, 0xffff_ffff)], kvHead * headWords);
      for (const [index, { position: at, count, rotation }] of runs.entries())
        entries.set([slotOf(kvHead, at), at, count, rotation], (kvHead * pages + index) * entryWords);
    }
    const slots = Array.from({ length: kvHeads }, (_, kvHead) => Array.from({ length: tokens }, (__, i) => slotOf(kvHead, position + i)));
    gpu.device.queue.writeBuffer(buffers.qkv, 0, qkv);
    gpu.device.queue.writeBuffer(buffers.rotations, 0, rotationTable(spec, positions));
    gpu.device.queue.writeBuffer(cache.entries, 0, entries);
    gpu.device.queue.writeBuffer(cache.heads, 0, records);
    gpu.device.queue.writeBuffer(cache.slots, 0, Uint32Array.from(slots.flat()));
    const splits = splitsOf(plan, Math.max(...lists.map(({ length }) => length)));
    recorder.submit((step) => {
      const uniform = step.uniform(new Uint32Array([tokens, position, shifts.length, splits, headSize]));
      recordAttention(step, plan, cache, buffers, tokens, splits, uniform);
    });
  }
  const error = await gpu.device.popErrorScope();
  if (error) throw new Error(error.message);

  const rows = steps.at(-1) ?? 0;
  const y = new Float32Array(await readBuffer(gpu, buffers.y, 0, rows * heads * headSize * 4));
  for (const buffer of [...Object.values(buffers), ...Object.values(cache)]) gpu.destroyBuffer(buffer);
  let worst = 0;
  for (let row = 0; row < rows; row++) {
    const position = context - rows + row;
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const at = (token: number, start: number): Float32Array =>
        (history[token] as Float32Array).subarray(start * headSize, (start + 1) * headSize);
      const tokens = (lists[kvHead] ?? []).flatMap((run) =>
        Array.from({ length: run.count }, (_, i) => run.position + i)
          .filter((token) => sees(windows[kvHead] ?? unwindowed, position, token))
          .map((token): ReferenceToken => ({
            position: token,
            shift: shifts[run.rotation] ?? 0,
            key: at(token, heads + kvHead),
            value: at(token, heads + kvHeads + kvHead),
          })),
      );
      const expected = attend(spec, at(position, head), position, tokens, (vector) => vector.map(roundToF16));
      for (let e = 0; e < headSize; e++) {
        const difference = Math.abs((y[(row * heads + head) * headSize + e] ?? NaN) - (expected[e] ?? NaN));
        worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
      }
    }
  }
  return worst;
}
