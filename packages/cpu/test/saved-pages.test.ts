import type { SlabDisk } from "@longtab/attention";
import type { Sampling } from "@longtab/engine";
import { BytesSource, parseGguf } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { expect, test } from "vitest";
import { loadCpuBackend } from "../src/index.ts";
import { host } from "./kernels.ts";

const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 0, seed: 0 };
const tokens = 896;

/** A disk whose reads take a turn of the event loop, in which `meanwhile` happens. */
function testDisk(meanwhile: () => void): SlabDisk {
  const slabs = new Map<number, Uint8Array<ArrayBuffer>>();
  return {
    limit: 2 ** 22,
    write: async (slab, bytes) => {
      slabs.set(slab, bytes.slice());
      return true;
    },
    read: async (slab, from, to) => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      meanwhile();
      return slabs.get(slab)?.slice(from, to);
    },
    delete: (slab) => void slabs.delete(slab),
    dispose: () => {},
  };
}

test("blocks that are partly on a disk are read as they are, also where the memory grows while it is waited for", async () => {
  let meanwhile = (): void => {};
  const source = new BytesSource(tinyModel({ contextLength: 128 }));
  const backend = await loadCpuBackend(await parseGguf(source), source, {
    host,
    threads: 1,
    context: { policy: "far", budget: 48, recent: 16 },
    contextLength: 1024,
    pooledLength: 256,
    away: { memory: 2 ** 15, disk: testDisk(() => meanwhile()) },
  });
  const timeline = backend.createTimeline();
  await timeline.prefill(
    Uint32Array.from({ length: tokens }, (_, index) => (index * 61 + 3) % backend.vocabularySize),
    greedy,
  );
  const expected = await timeline.readBlocks(0, tokens / 16);
  const { heap } = backend;
  const before = heap.bytes;
  // As another timeline that begins.
  meanwhile = () => {
    while (heap.bytes === before) heap.allocate(4096);
  };
  expect(await timeline.readBlocks(0, tokens / 16)).toEqual(expected);
  expect(heap.bytes).toBeGreaterThan(before);
  backend.dispose();
});
