import { BytesSource, parseGguf } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { openDevice } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { testBackend } from "@longtab/gpu/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadWebGpuBackend, score } from "../src/index.ts";
import type { LoadProgress } from "../src/index.ts";
import { answer, greedy, loadTiny } from "./tiny.ts";
import type { TinyEngine } from "./tiny.ts";

/*
 * Every test has a device of its own, opened through the one GPU object of the process, because it ends it. Nothing may hang: each promise
 * settles well within the time limit of a test.
 */
const model = { seed: 10, contextLength: 512 };
const prompt = "the sea and the land and the sky and ".repeat(6);
const lost = { code: "device-lost" };
const disposed = { code: "disposed", message: "The model was disposed. Load it again." };

let gpu: Gpu;
beforeEach(async () => {
  gpu = await openDevice({ gpu: testBackend() });
});
afterEach(() => gpu.dispose());

describe("a lost device", () => {
  let tiny: TinyEngine;
  beforeEach(async () => {
    tiny = await loadTiny(model, gpu);
  });

  test("ends a generation, and everything that is asked afterwards", async () => {
    const generation = tiny.engine.complete({ text: prompt }, { sampling: greedy });
    for (let count = 0; count < 3; count++) await generation.next();
    gpu.device.destroy();
    // A token that was already read back may still come.
    const rest = (async () => {
      for await (const piece of generation) expect(piece.tokens).toBe(1);
    })();
    await expect(rest).rejects.toMatchObject(lost);
    const reason = await tiny.backend.lost;
    expect(reason).toMatchObject({ ...lost, remedy: "load the model again; stored weights and conversations are kept" });
    await expect(answer(tiny, prompt)).rejects.toBe(reason);
    await expect(score(tiny.backend, Uint32Array.of(1), Uint32Array.of(2))).rejects.toBe(reason);
    expect(() => tiny.backend.createTimeline()).toThrow(reason);
    tiny.engine.dispose();
    await expect(answer(tiny, prompt)).rejects.toMatchObject(disposed);
  });

  test("ends a prompt between its chunks", async () => {
    const work = answer(tiny, prompt, { onPrefill: (done) => void (done > 0 && gpu.device.destroy()) });
    await expect(work).rejects.toMatchObject(lost);
  });

  test("ends a prompt in its first chunk", async () => {
    const work = answer(tiny, prompt, { onPrefill: (done) => void (done === 0 && setTimeout(() => gpu.device.destroy(), 0)) });
    await expect(work).rejects.toMatchObject(lost);
  });

  test("ends a score", async () => {
    const work = score(
      tiny.backend,
      tiny.engine.encode({ text: prompt }),
      Uint32Array.from({ length: 40 }, (_, id) => id),
      { onLogits: () => gpu.device.destroy() },
    );
    await expect(work).rejects.toMatchObject(lost);
  });

  test("ends a request that waits for its turn", async () => {
    const first = tiny.engine.complete({ text: prompt }, { sampling: greedy, maxTokens: 20 });
    await first.next();
    const waiting = answer(tiny, prompt);
    gpu.device.destroy();
    await expect(
      (async () => {
        for await (const piece of first) expect(piece.tokens).toBe(1);
      })(),
    ).rejects.toMatchObject(lost);
    await expect(waiting).rejects.toMatchObject(lost);
  });
});

describe("a model that is disposed", () => {
  let tiny: TinyEngine;
  beforeEach(async () => {
    tiny = await loadTiny(model, gpu);
  });

  test("ends a generation", async () => {
    const generation = tiny.engine.complete({ text: prompt }, { sampling: greedy });
    await generation.next();
    const next = generation.next();
    tiny.engine.dispose();
    await expect(next).rejects.toMatchObject(disposed);
    expect(gpu.allocatedBytes).toBe(0);
    await expect(answer(tiny, prompt)).rejects.toMatchObject(disposed);
    expect(() => tiny.backend.createTimeline()).toThrow(expect.objectContaining(disposed));
  });

  test("ends a prompt, and requests behind it", async () => {
    const work = answer(tiny, prompt, { onPrefill: (done) => void (done === 0 && setTimeout(() => tiny.engine.dispose(), 0)) });
    const waiting = answer(tiny, prompt);
    const results = await Promise.allSettled([work, waiting]);
    expect(results).toMatchObject([{ reason: disposed }, { reason: disposed }]);
  });

  test("is not lost", async () => {
    tiny.engine.dispose();
    await gpu.device.lost;
    expect(await Promise.race([tiny.backend.lost, new Promise((resolve) => setTimeout(resolve, 20, "not lost"))])).toBe("not lost");
  });
});

describe("a device that is lost while a model loads", () => {
  const load = async (onProgress: (progress: LoadProgress) => void): Promise<unknown> => {
    const source = new BytesSource(tinyModel(model));
    return loadWebGpuBackend(gpu, await parseGguf(source), source, { onProgress });
  };

  test.each(["upload", "shaders"] as const)("in the phase %s fails for that reason", async (phase) => {
    const loading = load((progress) => {
      if (progress.phase === phase && progress.loaded > 0) gpu.device.destroy();
    });
    await expect(loading).rejects.toMatchObject(lost);
    expect(gpu.allocatedBytes).toBe(0);
  });
});
