import { readBuffer, Recorder } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { openTestGpu } from "@longtab/gpu/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { entryWords, headWords, pageTokens } from "../page.ts";
import type { CacheShape } from "../page.ts";
import { rotationTable } from "../rotation.ts";
import { recordBytes, storageOf } from "../webgpu/storage.ts";
import { createNoise } from "./attention.scene.ts";
import { readRecord } from "./closed-page.reference.ts";
import { recordSelection, selectionLengths } from "./selection.ts";
import { bestRuns, runMasses } from "./selection.reference.ts";
import { stepWords } from "./step.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});

interface Scene {
  shape: CacheShape;
  runTokens: 4 | 8 | 16;
  /** Runs that are taken. */
  runs: number;
  /** By KV head: pages of its list, and which of them are candidates. */
  lists: { length: number; first: number; end: number }[];
  /** Entries of a selected list; as many as there can be unless told. */
  capacity?: number;
  /** Makes all records the same, so that every score is. */
  same?: boolean;
  /** Candidates further back than this are met with other queries, turned by their positions. */
  farFrom?: number;
}

interface Selected {
  /** By KV head: [position, count, page, token in it] of each entry, and the mass of each candidate run in f64. */
  lists: { entries: number[][]; masses: number[] }[];
  hits: Uint32Array;
}

const seed = 11;

/** Selects once, from records of random bytes: any bytes are a record. */
async function select({ shape, runTokens, runs, lists, capacity, same = false, farFrom = Infinity }: Scene): Promise<Selected> {
  const { heads, kvHeads, headSize } = shape;
  const storage = storageOf("kv8", runTokens);
  const bytes = recordBytes(shape, storage);
  const noise = createNoise(seed);
  const pages = Math.max(...lists.map(({ length }) => length));
  const count = kvHeads * pages;
  const records = Uint8Array.from({ length: count * bytes }, () => Math.floor((noise() + 1) * 128));
  for (let page = 0; page < count; page++) {
    // Offsets from -1 to 1, ranges up to 2.
    new Uint16Array(records.buffer, page * bytes, 3).set([0xbc00, 0x4000, 0x4000]);
    if (same) records.copyWithin(page * bytes, 0, bytes);
  }
  const queries = Float32Array.from({ length: 3 * heads * headSize }, () => 2 * noise());
  const spec = { headSize, rotaryDimensions: headSize, base: 10_000, linearFactor: 1 };
  const turns = rotationTable(
    spec,
    Array.from({ length: pages }, (_, page) => page * pageTokens),
  );
  // Pages lie anywhere: 5 has no divisor in common with the number of places, or all lie where they would.
  const pageOf = (kvHead: number, index: number): number =>
    count % 5 === 0 ? kvHead * pages + index : ((kvHead * pages + index) * 5) % count;
  const listCapacity = Math.ceil(pages / pageTokens) * pageTokens;
  const entries = new Uint32Array(kvHeads * listCapacity * entryWords);
  const records32 = new Uint32Array(kvHeads * headWords);
  for (const [kvHead, { length, first, end }] of lists.entries()) {
    records32.set([length, first, end, 0, 0, 0xffff_ffff], kvHead * headWords);
    for (let index = 0; index < length; index++)
      entries.set(
        [0x8000_0000 + pageOf(kvHead, index) * pageTokens, index * pageTokens, pageTokens, 0],
        (kvHead * listCapacity + index) * entryWords,
      );
  }
  const plan = { pages: listCapacity, capacity: capacity ?? Math.ceil((pages * pageTokens) / runTokens / 16) * 16 };
  const lengths = selectionLengths(shape, storage.boxRuns, plan);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const filled = (label: string, data: Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>): GPUBuffer => {
    const buffer = gpu.createBuffer(label, data.byteLength, usage);
    gpu.device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  };
  const inputs = {
    queries: filled("queries", queries),
    entries: filled("entries", entries),
    heads: filled("heads", records32),
    closed: filled("closed", records),
    turns: filled("turns", turns),
    hits: filled("hits", new Uint32Array(pages)),
    looks: filled("looks", new Uint32Array(1)),
  };
  const scratch = {
    scores: gpu.createBuffer("scores", lengths.scores * 4, usage),
    parts: gpu.createBuffer("parts", lengths.parts * 4, usage),
    selected: gpu.createBuffer("selected", lengths.selected * 4, usage),
    selectedHeads: gpu.createBuffer("selected heads", lengths.selectedHeads * 4, usage),
  };
  gpu.device.pushErrorScope("validation");
  new Recorder(gpu).submit((step) => {
    const uniform = step.uniform(stepWords({ tokens: 1, position: pages * pageTokens, rotations: 3, splits: 1, headSize, runs, farFrom }));
    recordSelection(step, { shape, selection: { ...plan, meetsFar: farFrom < Infinity } }, { storage, ...inputs }, scratch, pages, uniform);
  });
  const error = await gpu.device.popErrorScope();
  if (error) throw new Error(error.message);
  const written = new Uint32Array(await readBuffer(gpu, scratch.selected));
  const writtenHeads = new Uint32Array(await readBuffer(gpu, scratch.selectedHeads));
  const hits = new Uint32Array(await readBuffer(gpu, inputs.hits));
  for (const buffer of [...Object.values(inputs), ...Object.values(scratch)]) gpu.destroyBuffer(buffer);

  const group = heads / kvHeads;
  return {
    hits,
    lists: lists.map(({ first, end }, kvHead) => {
      const candidates = Array.from({ length: end - first }, (_, index) => {
        const record = records.subarray(pageOf(kvHead, first + index) * bytes).subarray(0, bytes);
        return readRecord(record, headSize, storage);
      });
      // A page that is far is met by queries that are turned forth by its position.
      const isFar = (index: number): boolean => pages * pageTokens - index * pageTokens > farFrom;
      const rowsFor = (index: number): number[][] =>
        Array.from({ length: group }, (_, g) => {
          const head = (isFar(index) ? 2 * heads : 0) + kvHead * group + g;
          const row = Array.from(queries.subarray(head * headSize, (head + 1) * headSize));
          return isFar(index) ? turned(row, turns.subarray(index * headSize, (index + 1) * headSize)) : row;
        });
      const length = writtenHeads[kvHead * headWords] ?? 0;
      const found = Array.from({ length }, (_, index) => {
        const [slot = 0, position = 0, tokens = 0, rotation = NaN] = written.subarray((kvHead * plan.capacity + index) * entryWords);
        expect(slot).toBe(0x8000_0000 + pageOf(kvHead, Math.floor(position / pageTokens)) * pageTokens + (position % pageTokens));
        const page = Math.floor(position / pageTokens);
        expect(rotation).toBe(page >= first && page < end && isFar(page) ? 0xffff_ffff : 0);
        return [position, tokens];
      });
      return { entries: found, masses: runMasses(candidates.map((page, index) => ({ page, queries: rowsFor(first + index) }))) };
    }),
  };
}

/** Rotates adjacent pairs of channels by (cos, sin). */
function turned(row: readonly number[], turns: Float32Array): number[] {
  return row.map((x, c) => {
    const [cos, sin] = [turns[c - (c % 2)] ?? NaN, turns[c - (c % 2) + 1] ?? NaN];
    return c % 2 === 0 ? x * cos - (row[c + 1] ?? NaN) * sin : (row[c - 1] ?? NaN) * sin + x * cos;
  });
}

/** The entries that a list must have. */
function expected({ lists, runTokens, runs }: Scene, kvHead: number, masses: readonly number[]): number[][] {
  const { length, first, end } = lists[kvHead] ?? { length: 0, first: 0, end: 0 };
  const perPage = pageTokens / runTokens;
  const whole = (from: number, to: number): number[] => Array.from({ length: (to - from) * perPage }, (_, i) => from * perPage + i);
  const chosen = bestRuns(masses, runs).map((run) => first * perPage + run);
  return [...whole(0, first), ...chosen, ...whole(end, length)].map((run) => [run * runTokens, runTokens]);
}

const small: CacheShape = { layers: 1, heads: 9, kvHeads: 3, headSize: 64 };

const scenes: [string, Scene][] = [
  [
    "a few of many pages",
    {
      shape: small,
      runTokens: 4,
      runs: 20,
      lists: [
        { length: 40, first: 1, end: 36 },
        { length: 40, first: 1, end: 36 },
        { length: 40, first: 2, end: 39 },
      ],
    },
  ],
  [
    "lists of several lengths, one without candidates",
    {
      shape: small,
      runTokens: 4,
      runs: 20,
      lists: [
        { length: 70, first: 1, end: 66 },
        { length: 5, first: 5, end: 5 },
        { length: 9, first: 1, end: 5 },
      ],
    },
  ],
  [
    "exactly as many runs as are taken",
    {
      shape: small,
      runTokens: 4,
      runs: 16,
      lists: [
        { length: 6, first: 1, end: 5 },
        { length: 6, first: 1, end: 5 },
        { length: 7, first: 1, end: 6 },
      ],
    },
  ],
  [
    "one run",
    {
      shape: small,
      runTokens: 4,
      runs: 1,
      lists: [
        { length: 30, first: 0, end: 30 },
        { length: 3, first: 1, end: 2 },
        { length: 2, first: 1, end: 2 },
      ],
    },
  ],
  [
    "runs of 8 tokens",
    {
      shape: small,
      runTokens: 8,
      runs: 11,
      lists: [
        { length: 40, first: 1, end: 36 },
        { length: 33, first: 1, end: 29 },
        { length: 40, first: 2, end: 39 },
      ],
    },
  ],
  [
    "whole pages",
    {
      shape: small,
      runTokens: 16,
      runs: 7,
      lists: [
        { length: 40, first: 1, end: 36 },
        { length: 33, first: 1, end: 29 },
        { length: 40, first: 2, end: 39 },
      ],
    },
  ],
  [
    "groups of 10 heads of 80 channels",
    {
      shape: { layers: 1, heads: 20, kvHeads: 2, headSize: 80 },
      runTokens: 4,
      runs: 33,
      lists: [
        { length: 66, first: 1, end: 65 },
        { length: 20, first: 1, end: 19 },
      ],
    },
  ],
  [
    "one head of 8 channels",
    { shape: { layers: 1, heads: 1, kvHeads: 1, headSize: 8 }, runTokens: 4, runs: 5, lists: [{ length: 12, first: 1, end: 11 }] },
  ],
  [
    "far pages among near ones",
    {
      shape: small,
      runTokens: 4,
      runs: 24,
      farFrom: 300,
      lists: [
        { length: 40, first: 1, end: 36 },
        { length: 33, first: 1, end: 29 },
        { length: 40, first: 2, end: 39 },
      ],
    },
  ],
  [
    "8192 candidates and more",
    {
      shape: { layers: 1, heads: 4, kvHeads: 2, headSize: 32 },
      runTokens: 4,
      runs: 300,
      lists: [
        { length: 2100, first: 4, end: 2095 },
        { length: 2000, first: 1, end: 1999 },
      ],
    },
  ],
];

describe("selecting runs", () => {
  for (const [what, scene] of scenes) {
    test(`takes the best by the reference: ${what}`, async () => {
      const { lists, hits } = await select(scene);
      const counted = new Uint32Array(hits.length);
      for (const [kvHead, { entries, masses }] of lists.entries()) {
        expect(entries).toEqual(expected(scene, kvHead, masses));
        const { first, end } = scene.lists[kvHead] ?? { first: 0, end: 0 };
        for (const [position = 0] of entries) {
          const page = Math.floor(position / pageTokens);
          if (page >= first && page < end) counted[page] = (counted[page] ?? 0) + 1;
        }
      }
      expect(hits).toEqual(counted);
    });
  }

  test("takes the first runs where all are equal", async () => {
    const scene: Scene = {
      shape: { ...small, heads: 3, kvHeads: 1 },
      runTokens: 16,
      runs: 13,
      lists: [{ length: 60, first: 2, end: 50 }],
      same: true,
    };
    const [list] = (await select(scene)).lists;
    expect(list?.entries).toEqual(
      expected(
        scene,
        0,
        Array.from({ length: 48 }, () => 1),
      ),
    );
  });

  test("writes no more than there is room for", async () => {
    const scene: Scene = {
      shape: { ...small, heads: 3, kvHeads: 1 },
      runTokens: 4,
      runs: 20,
      lists: [{ length: 40, first: 1, end: 36 }],
      capacity: 16,
    };
    const [list] = (await select(scene)).lists;
    expect(list?.entries).toEqual(expected(scene, 0, list?.masses ?? []).slice(0, 16));
  });
});
