import { closedSlot, headWords, entryWords, pagesFor, pageTokens, rotationTable } from "@longtab/attention";
import type { CacheShape, LayerPrecision, RotarySpec } from "@longtab/attention";
import { attend } from "@longtab/attention/testing";
import { createRandom } from "@longtab/formats/testing";
import { setPages, turnWords } from "../src/kv/index.ts";
import type { PageKind } from "../src/kv/index.ts";
import type { OpenKernels } from "./kernels.ts";

export type Heads = Omit<CacheShape, "layers">;

/** Listed tokens: from `position` on, inside one page. */
export interface Run {
  position: number;
  count: number;
  rotation: number;
}

export interface Scene {
  heads: Heads;
  spec: RotarySpec;
  /** What is listed of the pages that hold `tokens` tokens. */
  list: (tokens: number) => Run[];
  /** Sinks, recents and the position from which on rows see no more than those. */
  window: { sinks: number; recent: number; from: number };
  /** Shift of the query for each rotation; [0] is 0. */
  shifts: number[];
  precision: LayerPrecision;
  selectBy?: PageKind["selectBy"];
  /** What a step of one row selects between the first and the last pages of a list. */
  selection?: { runs: number; runTokens: number; sinkPages: number; recentPages: number; farFrom: number; anew?: boolean };
  context: number;
}

export function scene(heads: Heads, context: number, options: Partial<Scene> & { still?: boolean } = {}): Scene {
  const rotaryDimensions = options.still ? 0 : heads.headSize;
  const spec: RotarySpec = { headSize: heads.headSize, rotaryDimensions, base: 10_000, linearFactor: 1 };
  const window = { sinks: 0, recent: 0, from: 0xffff_ffff };
  return { heads, spec, list: wholePages, window, shifts: [0], precision: "f16", context, ...options };
}

/** Every page, whole. */
export function wholePages(tokens: number): Run[] {
  return Array.from({ length: pagesFor(tokens) }, (_, page) => ({ position: page * pageTokens, count: pageTokens, rotation: 0 }));
}

/** The pages and lists of one layer, and the kernels on them. Memory is full of NaN before anything is written. */
export class Layer {
  readonly scene: Scene;
  length = 0;
  /** What the last step selected, by KV head, and how often of each page. */
  selected: Run[][] = [];
  hits: number[] = [];
  readonly #open: OpenKernels;
  readonly #threads: number;
  #landmarks: number | undefined;
  /** First slots of the pages of each head, open and closed. */
  readonly #slots: { open: number[][]; closed: number[][] };
  #complete = 0;
  #closed = 0;

  constructor(open: OpenKernels, given: Scene, threads = 1) {
    const { heap, kernels } = open;
    const { heads, context, precision } = given;
    const dirty = heap.allocate(32 * 2 ** 20);
    heap.u8(dirty, 32 * 2 ** 20).fill(255);
    heap.free(dirty);
    this.scene = given;
    this.#open = open;
    this.#threads = threads;
    setPages(kernels, heads, { precision, selectBy: given.selectBy });
    const allocate = (bytes: number): number[][] => {
      const count = heads.kvHeads * pagesFor(context);
      const first = heap.allocate(count * bytes, bytes) / bytes;
      const numbers = shuffled(Array.from({ length: count }, (_, index) => (first + index) * pageTokens));
      return Array.from({ length: heads.kvHeads }, (_, kvHead) => numbers.filter((__, index) => index % heads.kvHeads === kvHead));
    };
    this.#slots = { open: allocate(kernels.pageBytes(0)), closed: precision === "f16" ? [] : allocate(kernels.pageBytes(1)) };
  }

  /** Appends qkv f32 [rows, (heads + 2 kvHeads) E], attends, and closes what became complete: f32 [rows, heads E]. */
  step(qkv: Float32Array): Float32Array {
    const { heap, kernels } = this.#open;
    const { spec, shifts, list } = this.scene;
    const { heads, kvHeads, headSize } = this.scene.heads;
    const rows = qkv.length / ((heads + 2 * kvHeads) * headSize);
    const position = this.length;
    this.length += rows;
    const turns = shifts.flatMap((shift) => Array.from({ length: rows }, (_, row) => position + row + shift));
    const table = rotationTable(spec, turns);
    const runs = list(this.length);
    const p = {
      qkv: heap.allocate(qkv.byteLength),
      table: heap.allocate(table.byteLength),
      queries: heap.allocate(kernels.queriesBytes(shifts.length, rows, heads, headSize)),
      slots: heap.allocate(kvHeads * rows * 4),
      entries: heap.allocate(kvHeads * runs.length * entryWords * 4),
      records: heap.allocate(kvHeads * headWords * 4),
      turns: heap.allocate(pagesFor(this.length) * headSize * 4),
      y: heap.allocate(rows * heads * headSize * 4),
      scratch: heap.allocate(kernels.attentionScratchBytes(heads, kvHeads, headSize, 4 * runs.length, this.#threads)),
      fence: heap.allocate(64, 1),
    };
    heap.f32(p.qkv, qkv.length).set(qkv);
    heap.f32(p.table, table.length).set(table);
    const pages = turnWords(
      spec,
      Array.from({ length: pagesFor(this.length) }, (_, page) => page * pageTokens),
    );
    heap.u32(p.turns, pages.length).set(pages);
    for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
      const slots = Array.from({ length: rows }, (_, row) => this.#slot(kvHead, position + row));
      heap.u32(p.slots + kvHead * rows * 4, rows).set(slots);
      const words = runs.flatMap((run) => [this.#slot(kvHead, run.position), run.position, run.count, run.rotation]);
      heap.u32(p.entries + kvHead * words.length * 4, words.length).set(words);
      const { sinks, recent, from } = this.scene.window;
      const { sinkPages = runs.length, recentPages = 0 } = (rows === 1 ? this.scene.selection : undefined) ?? {};
      const record = [runs.length, sinkPages, runs.length - recentPages, sinks, recent, from, 0, 0];
      heap.u32(p.records + kvHead * headWords * 4, headWords).set(record);
    }
    heap.u8(p.fence, 64).fill(77);
    kernels.append(p.qkv, p.table, shifts.length, rows, heads, kvHeads, headSize, p.slots, p.queries);
    const lists = this.scene.selection && rows === 1 ? this.#select(p, runs.length, this.scene.selection) : { ...p, capacity: runs.length };
    kernels.attend(
      p.queries,
      shifts.length,
      rows,
      heads,
      kvHeads,
      headSize,
      position,
      lists.entries,
      lists.records,
      lists.capacity,
      p.turns,
      p.y,
      p.scratch,
      this.#threads,
    );
    const y = heap.f32(p.y, rows * heads * headSize).slice();
    if (heap.u8(p.fence, 64).some((byte) => byte !== 77)) throw new Error("the kernel wrote behind its scratch");
    for (const pointer of Object.values(p)) heap.free(pointer);
    this.#close();
    return y;
  }

  #select(
    { queries, entries, records, turns }: Record<"queries" | "entries" | "records" | "turns", number>,
    length: number,
    { runs, runTokens, sinkPages, recentPages, farFrom, anew = false }: NonNullable<Scene["selection"]>,
  ): { entries: number; records: number; capacity: number } {
    const { heap, kernels } = this.#open;
    const { heads, kvHeads, headSize } = this.scene.heads;
    const capacity = sinkPages + runs + recentPages;
    const p = {
      entries: heap.allocate(kvHeads * capacity * entryWords * 4),
      records: heap.allocate(kvHeads * headWords * 4),
      hits: heap.allocate(length * 4),
      scratch: heap.allocate(kernels.selectionScratchBytes(heads, kvHeads, headSize, length, this.#threads)),
      fence: heap.allocate(64, 1),
    };
    this.#landmarks ??= this.#createLandmarks(runs);
    heap.u32(p.hits, length).fill(0);
    heap.u8(p.fence, 64).fill(77);
    kernels.select(
      queries,
      this.scene.shifts.length,
      heads,
      kvHeads,
      headSize,
      this.length - 1,
      entries,
      records,
      length,
      runs,
      runTokens,
      farFrom,
      turns,
      p.entries,
      p.records,
      capacity,
      p.hits,
      p.scratch,
      this.#threads,
      this.#landmarks,
      0,
      Number(anew),
    );
    if (heap.u8(p.fence, 64).some((byte) => byte !== 77)) throw new Error("the kernel wrote behind its scratch");
    this.hits = Array.from(heap.u32(p.hits, length));
    this.selected = Array.from({ length: kvHeads }, (_, kvHead) => {
      const [count = 0, , , , , , elsewhere = 0] = heap.u32(p.records + kvHead * headWords * 4, headWords);
      const list = heap.u32(elsewhere || p.entries + kvHead * capacity * entryWords * 4, count * entryWords);
      return Array.from({ length: count }, (__, index) => {
        const [slot = NaN, position = NaN, tokens = NaN, rotation = NaN] = list.subarray(index * entryWords, (index + 1) * entryWords);
        if (slot !== this.#slot(kvHead, position)) throw new Error("an entry's slot is not that of its position");
        return { position, count: tokens, rotation };
      });
    });
    return { ...p, capacity };
  }

  /** Indices of the candidates that a head's last ranking of all pages left for the steps behind it. */
  shortlist(kvHead: number): number[] {
    const { heap } = this.#open;
    const { kvHeads, headSize } = this.scene.heads;
    const table = heap.u32(this.#landmarks ?? NaN, 2 + 2 * kvHeads);
    const start = table[2 + kvHeads + kvHead] ?? NaN;
    const [, , , count = NaN] = heap.u32(start, 4);
    return Array.from(heap.u32(start + 16 + Math.ceil(headSize / 4) * 16, count));
  }

  /** The table of rings and shortlists, which last from step to step. */
  #createLandmarks(runs: number): number {
    const { heap, kernels } = this.#open;
    const { kvHeads, headSize } = this.scene.heads;
    const pages = pagesFor(this.scene.context);
    const allocateAll = (bytes: number): number[] =>
      Array.from({ length: kvHeads }, () => {
        const first = heap.allocate(bytes);
        heap.u8(first, bytes).fill(0);
        return first;
      });
    const rings = allocateAll(pages * kernels.landmarkBytes(headSize));
    const shortlists = allocateAll(kernels.shortlistBytes(runs, headSize));
    const table = heap.allocate((2 + 2 * kvHeads) * 4);
    heap.u32(table, 2 + 2 * kvHeads).set([1, pages, ...rings, ...shortlists]);
    return table;
  }

  /** The bytes of a head's page that begins at 16 times `index`, and whether it is a closed one. */
  page(kvHead: number, index: number): { closed: boolean; bytes: Uint8Array } {
    const closed = index < this.#closed;
    const size = this.#open.kernels.pageBytes(Number(closed));
    const slot = (closed ? this.#slots.closed : this.#slots.open)[kvHead]?.[index] ?? NaN;
    return { closed, bytes: this.#open.heap.u8((slot / pageTokens) * size, size) };
  }

  #slot(kvHead: number, position: number): number {
    const page = Math.floor(position / pageTokens);
    const [slots, bit] = page < this.#closed ? [this.#slots.closed, closedSlot] : [this.#slots.open, 0];
    return (slots[kvHead]?.[page] ?? NaN) + bit + (position % pageTokens);
  }

  /** Moves complete pages to the closed form, where there is one, and makes their boxes. */
  #close(): void {
    const { heap, kernels } = this.#open;
    const { precision, selectBy } = this.scene;
    const complete = Math.floor(this.length / pageTokens);
    if ((precision === "f16" && selectBy === undefined) || complete === this.#complete) return;
    const pages = Array.from({ length: complete - this.#complete }, (_, index) => this.#complete + index);
    const targets = precision === "f16" ? this.#slots.open : this.#slots.closed;
    const words = this.#slots.open.flatMap((slots, kvHead) =>
      pages.flatMap((page) => [slots[page] ?? NaN, targets[kvHead]?.[page] ?? NaN].map((slot) => slot / pageTokens)),
    );
    const closings = heap.allocate(words.length * 4);
    heap.u32(closings, words.length).set(words);
    kernels.close(closings, words.length / 2, this.scene.heads.headSize);
    heap.free(closings);
    this.#complete = complete;
    if (precision !== "f16") this.#closed = complete;
  }
}

export function shuffled<T>(values: readonly T[]): T[] {
  const random = createRandom(3);
  const keyed = values.map((value) => ({ value, key: random.integer(2 ** 30) }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ value }) => value);
}

/** qkv of `tokens` tokens. */
export function createInput({ heads: { heads, kvHeads, headSize } }: Scene, tokens: number, seed = 7): Float32Array {
  return createRandom(seed).normals(tokens * (heads + 2 * kvHeads) * headSize);
}

export function rowsOf({ heads: { heads, kvHeads, headSize } }: Scene, input: Float32Array, from: number, to: number): Float32Array {
  const width = (heads + 2 * kvHeads) * headSize;
  return input.subarray(from * width, to * width);
}

/** Keys and values of the input, unrotated. */
export function tokenOf(layer: Scene, input: Float32Array, kvHead: number, token: number): { key: Float32Array; value: Float32Array } {
  const { heads, kvHeads, headSize } = layer.heads;
  const row = rowsOf(layer, input, token, token + 1);
  const at = (head: number): Float32Array => row.subarray(head * headSize, (head + 1) * headSize);
  return { key: at(heads + kvHead), value: at(heads + kvHeads + kvHead) };
}

/** As pages do: keys in steps of 1 / 32767 of their length, values in steps of 1 / 127 of the largest. */
function roundAsPages(vector: readonly number[], what: "key" | "value"): number[] {
  const scale = what === "key" ? Math.hypot(...vector) / 32767 : Math.max(...vector.map(Math.abs)) / 127;
  return vector.map((x) => (scale > 0 ? Math.round(x / scale) * scale : 0));
}

interface Comparison {
  /** What the row at `position` sees of the tokens up to it. */
  sees?: (token: number, position: number, kvHead: number) => boolean;
  rotationOf?: (token: number) => number;
  /** Keys and values as they are read, where pages hold others than those of the input: `store` then keeps them as they are. */
  held?: ((kvHead: number, token: number) => { key: ArrayLike<number>; value: ArrayLike<number> }) | undefined;
  /** What is added to the query's position where it is not its rotation's shift. */
  shiftOf?: (token: number, position: number) => number;
  store?: (vector: readonly number[], what: "key" | "value") => readonly number[];
}

/** Largest difference between rows of y from `position` on and the reference. */
export function worstError(
  given: Scene,
  input: Float32Array,
  position: number,
  y: Float32Array,
  { rotationOf = () => 0, sees = () => true, store = roundAsPages, held, shiftOf }: Comparison = {},
): number {
  const { spec, shifts } = given;
  const { heads, kvHeads, headSize } = given.heads;
  const rows = y.length / (heads * headSize);
  const at = (token: number, head: number): Float32Array =>
    rowsOf(given, input, token, token + 1).subarray(head * headSize, (head + 1) * headSize);
  let worst = 0;
  // The first, the last and some rows between: the reference is slow.
  for (const row of new Set([0, Math.floor(rows / 3), Math.floor(rows / 2), rows - 1])) {
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor((head * kvHeads) / heads);
      const tokens = Array.from({ length: position + row + 1 }, (_, token) => token)
        .filter((token) => sees(token, position + row, kvHead))
        .map((token) => {
          const { key, value } = held?.(kvHead, token) ?? { key: at(token, heads + kvHead), value: at(token, heads + kvHeads + kvHead) };
          return { position: token, shift: shiftOf?.(token, position + row) ?? shifts[rotationOf(token)] ?? 0, key, value };
        });
      const expected = attend(spec, at(position + row, head), position + row, tokens, store);
      for (const [e, value] of expected.entries()) {
        const error = Math.abs((y[(row * heads + head) * headSize + e] ?? NaN) - value);
        worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
      }
    }
  }
  return worst;
}

export function runSteps(layer: Layer, input: Float32Array, steps: readonly number[]): Float32Array[] {
  return steps.map((rows) => layer.step(rowsOf(layer.scene, input, layer.length, layer.length + rows)));
}
