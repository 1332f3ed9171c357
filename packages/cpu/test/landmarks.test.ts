import type { CacheShape, HeadRule, Policy } from "@longtab/attention";
import { createPolicy } from "@longtab/attention";
import { expect, test } from "vitest";
import { Heap } from "../src/heap.ts";
import { landmarkBytes, landmarksBytes, PageLandmarks, shortlistBytes } from "../src/kv/landmarks.ts";
import { looksWords } from "../src/scratch.ts";
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
  return { heap, landmarks, words: (layer) => Array.from(heap.u32(landmarks.pointer(layer), 2 + 2 * shape.kvHeads)) };
}

test("landmarks, shortlists and looks take the bytes that the kernels write", async () => {
  const { kernels } = await openKernels("plain");
  for (const headSize of [8, 40, 64, 96, 128])
    for (const runs of [1, 27, 108, 512]) expect(shortlistBytes(runs, headSize)).toBe(kernels.shortlistBytes(runs, headSize));
  for (const runs of [1, 27, 108, 512]) expect(looksWords({ runs }) * 4).toBe(kernels.looksBytes(runs));
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

test("rings have room for every page on a list, shortlists for what is looked at again, apart from one another and within what is planned", () => {
  const { landmarks, words } = open();
  for (const pages of [10, 257, 600]) {
    landmarks.prepare(landmarks, quest, pages);
    expect(words(0)[1]).toBeGreaterThanOrEqual(pages);
    const regions = [0, 1].flatMap((layer) =>
      words(layer)
        .slice(2)
        .map((start, index) => ({
          start,
          bytes: index < 2 ? pages * landmarkBytes(40) : shortlistBytes(quest.selection?.runs ?? NaN, 40),
        })),
    );
    const inOrder = regions.toSorted((a, b) => a.start - b.start);
    expect(inOrder).toHaveLength(8);
    for (const [index, { start }] of inOrder.slice(1).entries()) {
      const before = inOrder[index] ?? { start: NaN, bytes: NaN };
      expect(start - before.start).toBeGreaterThanOrEqual(before.bytes);
    }
    expect(landmarks.bytes).toBeLessThanOrEqual(landmarksBytes(shape, quest, pages));
  }
});

test("heads that do not select have no ring", () => {
  const { landmarks, words } = open();
  landmarks.prepare(landmarks, oneHead, 10);
  expect(words(0).slice(2)).toEqual([0, 0, 0, 0]);
  expect(words(1).slice(2)).toEqual([expect.any(Number), 0, expect.any(Number), 0]);
  expect(words(1)[2]).toBeGreaterThan(0);
  const byBoxes = createPolicy({ policy: "quest", runTokens: 16 }, { trained: 8192, keeps: 8192 });
  expect(landmarksBytes(shape, byBoxes, 10)).toBe(0);
});
