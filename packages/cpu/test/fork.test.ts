import type { Sampling, Timeline } from "@longtab/engine";
import { BytesSource, parseGguf } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { expect, test } from "vitest";
import { loadCpuBackend } from "../src/index.ts";
import { host } from "./kernels.ts";

const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 0, seed: 0 };

test("a fork in the middle of a chunk drops the prompt, and what is read again is what it is alone", async () => {
  // Wide enough that a chunk pauses for others.
  const source = new BytesSource(tinyModel({ layers: 16, hidden: 256, ffn: 1024, headSize: 64, contextLength: 512 }));
  const backend = await loadCpuBackend(await parseGguf(source), source, { host, threads: 1 });
  const ids = Uint32Array.from({ length: 64 }, (_, index) => (index * 61 + 3) % backend.vocabularySize);
  const [timeline, alone] = [backend.createTimeline(), backend.createTimeline()];
  let fork: Timeline | undefined;
  const timer = setInterval(() => {
    // The chunk has its pages, and waits for what happens in between.
    if (timeline.pages().kept > 0) fork ??= timeline.fork();
  }, 0);
  const dropped = await Promise.allSettled([timeline.prefill(ids, greedy), timeline.decode(greedy)]);
  clearInterval(timer);
  expect(dropped).toMatchObject([{ reason: { code: "aborted" } }, { reason: { code: "aborted" } }]);
  expect([timeline.length, fork?.length]).toEqual([0, 0]);
  const expected = await alone.prefill(ids, greedy);
  expect(await timeline.prefill(ids, greedy)).toBe(expected);
  expect(await fork?.prefill(ids, greedy)).toBe(expected);
  backend.dispose();
});
