import type { PolicyName } from "@longtab/attention";
import type { Sampling, Timeline } from "@longtab/engine";
import { BytesSource, parseGguf } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test, vi } from "vitest";
import { loadCpuBackend } from "../src/index.ts";
import type { CpuBackend, LoadCpuOptions } from "../src/index.ts";
import { watchedHost } from "./kernels.ts";

const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 0, seed: 0 };
const prompt = Uint32Array.of(5, 102, 199, 296, 73);

afterEach(() => vi.restoreAllMocks());

async function load(options: LoadCpuOptions): Promise<CpuBackend> {
  const source = new BytesSource(tinyModel());
  return loadCpuBackend(await parseGguf(source), source, options);
}

describe("a trap of the kernels", () => {
  test("ends everything that is pending and everything later, once", async () => {
    const host = watchedHost();
    const backend = await load({ host, threads: 1 });
    const heard = vi.fn<(error: Error) => void>();
    void backend.lost.then(heard);
    const [timeline, other] = [backend.createTimeline(), backend.createTimeline()];
    await timeline.prefill(prompt, greedy);
    await other.prefill(prompt, greedy);
    expect(heard).not.toHaveBeenCalled();

    // An address beyond the memory, as a damaged pointer would be.
    backend.model.scratch.x = backend.heap.bytes - 64;
    const pending = [timeline.decode(greedy), timeline.decode(greedy), other.decode(greedy), other.prefill(prompt, greedy)];
    for (const result of await Promise.allSettled(pending)) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { code: "device-lost", what: "The processor's threads stopped working" },
      });
    }
    await expect(timeline.decode(greedy)).rejects.toMatchObject({ code: "device-lost" });
    await expect(other.score(prompt)).rejects.toMatchObject({ code: "device-lost" });
    expect(() => backend.createTimeline()).toThrow(expect.objectContaining({ code: "device-lost" }));
    expect(heard).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ code: "device-lost", cause: expect.any(WebAssembly.RuntimeError) as unknown }),
    );
    // What is lost may still be put away.
    timeline.dispose();
    backend.dispose();
  });

  test("in a load is a lost device too, and leaves no thread behind", async () => {
    const host = watchedHost();
    const { instantiate } = WebAssembly;
    const trap = (): never => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    const stubbed = async (module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<WebAssembly.Instance> => {
      const { exports } = await instantiate(module, imports);
      return { exports: { ...exports, relay: trap } };
    };
    vi.spyOn(WebAssembly, "instantiate").mockImplementation(stubbed as unknown as typeof instantiate);
    await expect(load({ host, threads: 3 })).rejects.toMatchObject({ code: "device-lost" });
    expect(host.threads.map(({ ended }) => ended)).toEqual([true, true]);
  });
});

describe("a helper that ends", () => {
  /** Tokens drawn with so many threads, of which `end` ends some after the first. */
  async function draw(threads: number, end?: (ended: ReturnType<typeof watchedHost>) => Promise<void>): Promise<number[]> {
    const host = watchedHost();
    const backend = await load({ host, threads });
    const timeline = backend.createTimeline();
    const drawn = [await timeline.prefill(prompt, greedy)];
    await end?.(host);
    while (drawn.length < 8) drawn.push(await timeline.decode(greedy));
    backend.dispose();
    return drawn;
  }

  test("between two steps is done without: the tokens are the same", async () => {
    const terminate = vi.spyOn(Worker.prototype, "terminate");
    const drawn = await draw(3, async ({ threads }) => {
      threads[0]?.terminate();
      await terminate.mock.results.at(-1)?.value;
    });
    expect(drawn).toEqual(await draw(1));
  });
});

describe("a step that there is no memory for", () => {
  /** Takes all memory that there is: the addresses of what was taken. */
  function takeAll({ heap }: CpuBackend): number[] {
    const taken: number[] = [];
    for (let size = 2 ** 26; size >= 64; size /= 2) {
      try {
        for (;;) taken.push(heap.allocate(size));
      } catch {
        // Smaller pieces may fit.
      }
    }
    return taken;
  }

  test.each<[string, PolicyName, number, (timeline: Timeline) => Promise<unknown>]>([
    ["decode", "quest", 60, (timeline) => timeline.decode(greedy)],
    ["score", "quest", 60, (timeline) => timeline.score(Uint32Array.of(7))],
    ["prefill", "far", 256, (timeline) => timeline.prefill(Uint32Array.of(7), greedy)],
  ])("leaves nothing behind: %s with %s after %d tokens", async (_, policy, length, step) => {
    const backend = await load({ host: watchedHost(), threads: 1, context: { policy, budget: 48, recent: 16 } });
    const ids = Uint32Array.from({ length }, (__, index) => (index * 61 + 3) % backend.vocabularySize);
    const [timeline, undisturbed] = [backend.createTimeline(), backend.createTimeline()];
    for (const each of [timeline, undisturbed]) await each.prefill(ids, greedy);
    // What pages are ranked by is made for the first step that selects, and what far ones are turned by for the first past the trained window.
    const taken = takeAll(backend);
    await expect(step(timeline)).rejects.toMatchObject({ code: "out-of-memory" });
    for (const pointer of taken) backend.heap.free(pointer);
    expect(timeline.length).toBe(length);
    expect(await step(timeline)).toEqual(await step(undisturbed));
    expect(timeline.length).toBe(length + 1);
    backend.dispose();
  });
});

test("a backend that is disposed has ended its threads, and says so to whoever goes on", async () => {
  const host = watchedHost();
  const backend = await load({ host, threads: 2 });
  const timeline = backend.createTimeline();
  backend.dispose();
  expect(host.threads.map(({ ended }) => ended)).toEqual([true]);
  await expect(timeline.prefill(prompt, greedy)).rejects.toMatchObject({ code: "disposed" });
});
