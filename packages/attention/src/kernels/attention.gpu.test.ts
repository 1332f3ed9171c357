import { openTestGpu } from "@longtab/gpu/testing";
import type { Gpu } from "@longtab/gpu";
import { beforeAll, describe, expect, it } from "vitest";
import type { CacheShape } from "../page.ts";
import type { RotarySpec } from "../rotation.ts";
import { storageOf } from "../webgpu/storage.ts";
import { everyPage, far, unwindowed, worstError } from "./attention.scene.ts";
import type { Run } from "./attention.scene.ts";

/** f16 keys and values are the same on both sides; f32 sums over up to 600 tokens against f64. */
const tolerance = 2e-5;
/** Keys rotated in f32 can round to the neighbouring f16, which moves a score by up to 2^-11 of it. */
const rotatedTolerance = 2e-3;

const cases: { shape: Omit<CacheShape, "layers">; steps: number[] }[] = [
  { shape: { heads: 1, kvHeads: 1, headSize: 8 }, steps: [1] },
  { shape: { heads: 1, kvHeads: 1, headSize: 16 }, steps: [1, 1, 15, 1, 1] },
  { shape: { heads: 9, kvHeads: 3, headSize: 64 }, steps: [33, 1, 1, 65, 1] },
  { shape: { heads: 9, kvHeads: 3, headSize: 64 }, steps: [300, 280, 1] },
  { shape: { heads: 4, kvHeads: 4, headSize: 80 }, steps: [7, 2, 1] },
  { shape: { heads: 8, kvHeads: 1, headSize: 128 }, steps: [17, 40, 1] },
  { shape: { heads: 10, kvHeads: 2, headSize: 32 }, steps: [64, 1] },
  { shape: { heads: 4, kvHeads: 1, headSize: 256 }, steps: [19, 1] },
];

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});

function still(headSize: number): RotarySpec {
  return { headSize, rotaryDimensions: 0, base: 10_000, linearFactor: 1 };
}

describe("attention over page lists", () => {
  for (const { shape, steps } of cases) {
    const label = `${shape.heads}/${shape.kvHeads} heads of ${shape.headSize}, steps ${steps.join("+")}`;
    it(`matches the reference without rotation: ${label}`, async () => {
      expect(await worstError({ gpu, shape, spec: still(shape.headSize) }, steps)).toBeLessThan(tolerance);
    });
    it(`matches the reference with rotation: ${label}`, async () => {
      const spec = { ...still(shape.headSize), rotaryDimensions: shape.headSize };
      expect(await worstError({ gpu, shape, spec }, steps)).toBeLessThan(rotatedTolerance);
    });
  }

  for (const { shape, steps } of cases.filter(({ steps: [first = 0] }) => first > 16)) {
    it(`matches the reference with long splits: ${shape.heads}/${shape.kvHeads} heads of ${shape.headSize}, steps ${steps.join("+")}`, async () => {
      expect(await worstError({ gpu, shape, spec: still(shape.headSize), software: true }, steps)).toBeLessThan(tolerance);
    });
  }

  it("meets each entry with its own rotation of the query", async () => {
    // The first page is a sink: attended as if the query stood 100 positions nearer.
    const spec: RotarySpec = { ...still(64), rotaryDimensions: 64 };
    const list = (_: number, __: number, last: number): Run[] =>
      everyPage(last).map(({ position, count }) => ({ position, count, rotation: position === 0 ? 1 : 0 }));
    const scene = { gpu, shape: { heads: 6, kvHeads: 2, headSize: 64 }, spec, shifts: [0, -100], list };
    expect(await worstError(scene, [150, 1])).toBeLessThan(rotatedTolerance);
    expect(await worstError(scene, [150, 21])).toBeLessThan(rotatedTolerance);
  });

  it("meets far entries at one distance, wherever they are", async () => {
    const spec: RotarySpec = { ...still(64), rotaryDimensions: 64 };
    const list = (_: number, __: number, last: number): Run[] =>
      everyPage(last).map(({ position, count }) => ({ position, count, rotation: position === 0 ? 1 : position < last - 100 ? far : 0 }));
    const scene = { gpu, shape: { heads: 6, kvHeads: 2, headSize: 64 }, spec, shifts: [0, -50], farDistance: 70, list };
    expect(await worstError(scene, [350, 1])).toBeLessThan(rotatedTolerance);
    // Codes are as they are only without rotation, and what is not rotated is nowhere.
    const quantised = { ...scene, spec: still(64), storage: storageOf("kv8") };
    expect(await worstError(quantised, [350, 1])).toBeLessThan(tolerance);
  });

  it("reads parts of pages and lists with holes, one row at a time", async () => {
    const list = (kvHead: number, _: number, last: number): Run[] =>
      everyPage(last)
        .filter(({ position }) => position % 48 !== kvHead * 16 || position + 16 > last)
        .map(({ position, count, rotation }) =>
          position < last - 32 ? { position: position + 5, count: 3 + kvHead, rotation } : { position, count, rotation },
        );
    const scene = { gpu, shape: { heads: 6, kvHeads: 2, headSize: 64 }, spec: still(64), list };
    expect(await worstError(scene, [350, 1])).toBeLessThan(tolerance);
  });
});

describe("steps of several rows over windows", () => {
  // Each KV head has a window of its own; rows cross its beginning.
  const windows = [
    unwindowed,
    { sinks: 4, recent: 32, from: 0 },
    { sinks: 0, recent: 0, from: 290 },
    { sinks: 40, recent: 160, from: 330 },
  ];
  const shape = { heads: 8, kvHeads: 4, headSize: 32 };

  for (const steps of [[40], [300, 70], [257, 256], [301, 2], [320, 17]]) {
    it(`matches the reference row by row: steps ${steps.join("+")}`, async () => {
      expect(await worstError({ gpu, shape, spec: still(32), windows }, steps)).toBeLessThan(tolerance);
    });
  }

  it("does so where pages that no row sees were given back", async () => {
    const list = (kvHead: number, first: number, last: number): Run[] => {
      const { sinks, recent, from } = windows[kvHead] ?? unwindowed;
      const start = first < from ? 0 : Math.floor(first / 16) * 16 - recent;
      return everyPage(last).filter(({ position }) => position < sinks || position >= start);
    };
    expect(await worstError({ gpu, shape, spec: still(32), windows, list }, [400, 100])).toBeLessThan(tolerance);
  });

  it("meets sinks with a rotation of their own", async () => {
    const spec: RotarySpec = { ...still(32), rotaryDimensions: 32 };
    const list = (_: number, __: number, last: number): Run[] =>
      everyPage(last).map(({ position, count }) => ({ position, count, rotation: position === 0 ? 1 : 0 }));
    const streaming = windows.map(() => ({ sinks: 4, recent: 64, from: 0 }));
    const scene = { gpu, shape, spec, windows: streaming, shifts: [0, -200], list };
    expect(await worstError(scene, [300, 60])).toBeLessThan(rotatedTolerance);
  });
});

describe("pages that are closed", () => {
  const few = { heads: 6, kvHeads: 2, headSize: 64 };
  for (const precision of ["kv8", "k8v4", "kv4"] as const) {
    it(`are read as what they store: ${precision}`, async () => {
      const scene = { gpu, shape: few, spec: still(64), storage: storageOf(precision) };
      expect(await worstError(scene, [150, 1])).toBeLessThan(tolerance);
      expect(await worstError(scene, [150, 21])).toBeLessThan(tolerance);
      expect(await worstError(scene, [15, 1, 1, 15, 1])).toBeLessThan(tolerance);
    });
  }

  it("are read with boxes between their channels and their keys", async () => {
    const scene = { gpu, shape: { heads: 8, kvHeads: 1, headSize: 80 }, spec: still(80), storage: storageOf("kv4", 4) };
    expect(await worstError(scene, [64, 1])).toBeLessThan(tolerance);
    expect(await worstError(scene, [64, 20])).toBeLessThan(tolerance);
  });

  it("are read in parts, and through windows", async () => {
    const storage = storageOf("kv8", 4);
    const list = (_: number, __: number, last: number): Run[] =>
      everyPage(last).map(({ position, count, rotation }) =>
        position < last - 32 ? { position: position + 4, count: 4, rotation } : { position, count, rotation },
      );
    expect(await worstError({ gpu, shape: few, spec: still(64), storage, list, software: true }, [350, 1])).toBeLessThan(tolerance);
    const windows = [unwindowed, { sinks: 4, recent: 32, from: 100 }];
    expect(await worstError({ gpu, shape: few, spec: still(64), storage, windows }, [200, 60])).toBeLessThan(tolerance);
  });
});
