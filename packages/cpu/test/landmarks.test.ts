import type { CacheShape, HeadRule, Policy } from "@longtab/attention";
import { createPolicy } from "@longtab/attention";
import { expect, test } from "vitest";
import { Heap } from "../src/heap.ts";
import { landmarkBytes, landmarksBytes, PageLandmarks } from "../src/kv/landmarks.ts";
import { openKernels } from "./kernels.ts";

const shape: CacheShape = { layers: 2, heads: 4, kvHeads: 2, headSize: 40 };
const quest = createPolicy({ policy: "quest" }, { trained: 8192, keeps: 8192 });
/** Selects with the first head of the second layer alone. */
const oneHead: Policy = {
  ...quest,
  rule: (layer, kvHead): HeadRule => ({ ...quest.rule(layer, kvHead), selects: layer === 1 && kvHead === 0 }),
};

function open(): { heap: Heap; landmarks: PageLandmarks; words: (layer: number) => number[] } {
  const heap = new Heap(16 * 2 ** 20, false);
  const landmarks = new PageLandmarks(heap, shape);
  return { heap, landmarks, words: (layer) => Array.from(heap.u32(landmarks.pointer(layer), 2 + shape.kvHeads)) };
}

test("a landmark takes the bytes that the kernels write", async () => {
  const { kernels } = await openKernels("plain");
  for (const headSize of [8, 40, 64, 96, 128]) expect(landmarkBytes(headSize)).toBe(kernels.landmarkBytes(headSize));
});

test("landmarks stay from step to step, and are void for another timeline and after a rollback", () => {
  const { landmarks, words } = open();
  const [one, other] = [{}, {}];
  const generation = (owner: object): number => {
    landmarks.prepare(owner, quest, 100);
    expect(words(1)[0]).toBe(words(0)[0]);
    return words(0)[0] ?? NaN;
  };
  const first = generation(one);
  expect(generation(one)).toBe(first);
  const second = generation(other);
  expect(second).not.toBe(first);
  landmarks.forget(one);
  expect(generation(other)).toBe(second);
  landmarks.forget(other);
  expect(generation(other)).not.toBe(second);
  expect(generation(one)).not.toBe(first);
});

test("rings have room for every page on a list, apart from one another, and within what is planned", () => {
  const { landmarks, words } = open();
  for (const pages of [10, 257, 600]) {
    landmarks.prepare(landmarks, quest, pages);
    const rings = [0, 1].flatMap((layer) => words(layer).slice(2)).toSorted((a, b) => a - b);
    expect(words(0)[1]).toBeGreaterThanOrEqual(pages);
    for (const [index, ring] of rings.slice(1).entries())
      expect(ring - (rings[index] ?? NaN)).toBeGreaterThanOrEqual(pages * landmarkBytes(40));
    expect(landmarks.bytes).toBeLessThanOrEqual(landmarksBytes(shape, quest, pages, { selectBy: "ranges" }));
  }
});

test("heads that do not select have no ring", () => {
  const { landmarks, words } = open();
  landmarks.prepare(landmarks, oneHead, 10);
  expect(words(0).slice(2)).toEqual([0, 0]);
  expect(words(1).slice(2)).toEqual([expect.any(Number), 0]);
  expect(words(1)[2]).toBeGreaterThan(0);
  expect(landmarksBytes(shape, oneHead, 10, { selectBy: 16 })).toBe(0);
});
