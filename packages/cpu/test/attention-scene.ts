import { dense, KvCache, rotationTable } from "@longtab/attention";
import type { CacheShape, Policy, RotarySpec } from "@longtab/attention";
import { attend } from "@longtab/attention/testing";
import { createRandom } from "@longtab/formats/testing";
import { CpuPagePool, layerPointers } from "../src/kv/index.ts";
import type { CpuTable } from "../src/kv/index.ts";
import type { OpenKernels } from "./kernels.ts";

export type Heads = Omit<CacheShape, "layers">;

export interface Scene {
  shape: CacheShape;
  spec: RotarySpec;
  policy: Policy;
  /** Shift of the query for each rotation; [0] is 0. */
  shifts: number[];
  context: number;
}

export function scene(heads: Heads, context: number, options: Partial<Scene> & { still?: boolean } = {}): Scene {
  const rotaryDimensions = options.still ? 0 : heads.headSize;
  const spec: RotarySpec = { headSize: heads.headSize, rotaryDimensions, base: 10_000, linearFactor: 1 };
  return { shape: { ...heads, layers: 2 }, spec, policy: dense, shifts: [0], context, ...options };
}

/** Layer 1 of a two-layer cache, and the kernels on it. Memory is full of NaN before anything is written. */
export class Layer {
  readonly scene: Scene;
  readonly cache: KvCache<CpuTable>;
  readonly pool: CpuPagePool;
  #open: OpenKernels;
  #threads: number;

  constructor(open: OpenKernels, given: Scene, threads = 1) {
    const { heap } = open;
    const dirty = heap.allocate(32 * 2 ** 20);
    heap.u8(dirty, 32 * 2 ** 20).fill(255);
    heap.free(dirty);
    this.scene = given;
    this.pool = new CpuPagePool(heap, given.shape, given.context);
    this.cache = new KvCache(this.pool, given.policy, given.context, given.context);
    this.#open = open;
    this.#threads = threads;
  }

  /** Appends qkv f32 [rows, (heads + 2 kvHeads) E] and attends: f32 [rows, heads E]. */
  async step(qkv: Float32Array): Promise<Float32Array> {
    const { heap, kernels } = this.#open;
    const { shape, spec, shifts } = this.scene;
    const { heads, kvHeads, headSize } = shape;
    const rows = qkv.length / ((heads + 2 * kvHeads) * headSize);
    const position = this.cache.length;
    const table = rotationTable(
      spec,
      shifts.flatMap((shift) => Array.from({ length: rows }, (_, row) => position + row + shift)),
    );
    await this.cache.reserve(rows);
    this.cache.append(rows);
    const { entries, heads: records, slots, capacity } = layerPointers(this.cache, 1);
    const scratchBytes = kernels.attentionScratchBytes(heads, kvHeads, headSize, capacity, this.#threads);
    const p = {
      qkv: heap.allocate(qkv.byteLength),
      table: heap.allocate(table.byteLength),
      queries: heap.allocate(kernels.queriesBytes(shifts.length, rows, heads, headSize)),
      y: heap.allocate(rows * heads * headSize * 4),
      scratch: heap.allocate(scratchBytes),
      fence: heap.allocate(64, 1),
    };
    heap.f32(p.qkv, qkv.length).set(qkv);
    heap.f32(p.table, table.length).set(table);
    heap.u8(p.fence, 64).fill(77);
    kernels.append(p.qkv, p.table, shifts.length, rows, heads, kvHeads, headSize, slots, p.queries);
    kernels.attend(
      p.queries,
      shifts.length,
      rows,
      heads,
      kvHeads,
      headSize,
      position,
      entries,
      records,
      capacity,
      p.y,
      p.scratch,
      this.#threads,
    );
    const y = heap.f32(p.y, rows * heads * headSize).slice();
    if (heap.u8(p.fence, 64).some((byte) => byte !== 77)) throw new Error("the kernel wrote behind its scratch");
    for (const pointer of Object.values(p)) heap.free(pointer);
    return y;
  }
}

/** qkv of `tokens` tokens. */
export function createInput({ shape }: Scene, tokens: number, seed = 7): Float32Array {
  return createRandom(seed).normals(tokens * (shape.heads + 2 * shape.kvHeads) * shape.headSize);
}

function rowsOf({ shape }: Scene, input: Float32Array, from: number, to: number): Float32Array {
  const width = (shape.heads + 2 * shape.kvHeads) * shape.headSize;
  return input.subarray(from * width, to * width);
}

/** As pages do: keys in steps of 1 / 32767 of their length, values in steps of 1 / 127 of the largest. */
function roundAsPages(vector: readonly number[], what: "key" | "value"): number[] {
  const scale = what === "key" ? Math.hypot(...vector) / 32767 : Math.max(...vector.map(Math.abs)) / 127;
  return vector.map((x) => (scale > 0 ? Math.round(x / scale) * scale : 0));
}

interface Comparison {
  rotationOf?: (token: number) => number;
  listed?: (token: number) => boolean;
  store?: (vector: readonly number[], what: "key" | "value") => readonly number[];
}

/** Largest difference between rows of y from `position` on and the reference. */
export function worstError(
  given: Scene,
  input: Float32Array,
  position: number,
  y: Float32Array,
  { rotationOf = () => 0, listed = () => true, store = roundAsPages }: Comparison = {},
): number {
  const { shape, spec, shifts } = given;
  const { heads, kvHeads, headSize } = shape;
  const rows = y.length / (heads * headSize);
  const at = (token: number, head: number): Float32Array =>
    rowsOf(given, input, token, token + 1).subarray(head * headSize, (head + 1) * headSize);
  let worst = 0;
  // The first, the last and some rows between: the reference is slow.
  for (const row of new Set([0, Math.floor(rows / 3), Math.floor(rows / 2), rows - 1])) {
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor((head * kvHeads) / heads);
      const tokens = Array.from({ length: position + row + 1 }, (_, token) => token)
        .filter(listed)
        .map((token) => ({
          position: token,
          shift: shifts[rotationOf(token)] ?? 0,
          key: at(token, heads + kvHead),
          value: at(token, heads + kvHeads + kvHead),
        }));
      const expected = attend(spec, at(position + row, head), position + row, tokens, store);
      for (const [e, value] of expected.entries()) {
        const error = Math.abs((y[(row * heads + head) * headSize + e] ?? NaN) - value);
        worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
      }
    }
  }
  return worst;
}

export async function runSteps(layer: Layer, input: Float32Array, steps: readonly number[]): Promise<Float32Array[]> {
  const results: Float32Array[] = [];
  for (const rows of steps) {
    const from = layer.cache.length;
    results.push(await layer.step(rowsOf(layer.scene, input, from, from + rows)));
  }
  return results;
}
