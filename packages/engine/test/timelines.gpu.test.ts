import { pageTokens } from "@longtab/attention";
import { describe, expect, test } from "vitest";
import type { Timeline, WebGpuBackend } from "../src/index.ts";
import { greedy, loadTiny } from "./tiny.ts";

/** No multiple of 4, so that rows of logits are padded on the device. */
const vocabulary = 321;
const model = { seed: 9, contextLength: 128, vocabulary };

/** A sequence of ids that depends on its seed from the first on. */
function sequence(length: number, seed = 0): number[] {
  return Array.from({ length }, (_, index) => (index * 61 + seed * 37 + 3) % vocabulary);
}

/** Appends ids, `rows` in a step, and gives the logits after each. */
async function append(timeline: Timeline, ids: readonly number[], rows: number): Promise<Float32Array[]> {
  const logits: Float32Array[] = [];
  for (let from = 0; from < ids.length; from += rows) {
    const chunk = ids.slice(from, from + rows);
    const values = await timeline.score(Uint32Array.from(chunk));
    for (let row = 0; row < chunk.length; row++) logits.push(values.subarray(row * vocabulary, (row + 1) * vocabulary));
  }
  return logits;
}

function largestDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.flatMap((values, row) => Array.from(values, (value, id) => Math.abs(value - (b[row]?.[id] ?? NaN)))));
}

async function withTimeline<T>(use: (timeline: Timeline) => Promise<T>, of: WebGpuBackend): Promise<T> {
  const timeline = of.createTimeline();
  try {
    return await use(timeline);
  } finally {
    timeline.dispose();
  }
}

describe("the pages of a backend", () => {
  test("give the same logits in a pool that grew as in one of full size from the start", async () => {
    const [growing, full] = [(await loadTiny(model)).backend, (await loadTiny(model)).backend];
    await full.pool.reserve(full.pool.maxPages);
    expect(full.memory().kv).toBe(full.memory().kvBudget);
    const ids = sequence(100);
    const results = [growing, full].map((of) => withTimeline((timeline) => append(timeline, ids, 5), of));
    expect(largestDifference(...((await Promise.all(results)) as [Float32Array[], Float32Array[]]))).toBe(0);
    growing.dispose();
    full.dispose();
  });

  test("grow by doubling to the budget and all come back, however often the context is filled", async () => {
    const own = (await loadTiny(model)).backend;
    const pageOfAllHeads = own.memory().kvBudget / (model.contextLength / pageTokens);
    const sizes = new Set<number>();
    for (let round = 0; round < 3; round++) {
      await withTimeline(async (timeline) => {
        for (let filled = 0; filled < model.contextLength; filled += 16) {
          await append(timeline, sequence(16), 16);
          sizes.add(own.memory().kv / pageOfAllHeads);
        }
        await expect(timeline.score(Uint32Array.of(1))).rejects.toMatchObject({ code: "context-exceeded" });
        await expect(timeline.decode(greedy)).rejects.toMatchObject({ code: "context-exceeded" });
        timeline.truncate(round);
        await append(timeline, sequence(16 * 7, round), 16);
      }, own);
    }
    expect([...sizes]).toEqual([1, 2, 4, 8]);
    expect(own.memory().kv).toBe(own.memory().kvBudget);
    own.dispose();
  });

  test("and everything else are freed when the model is disposed", async () => {
    const own = (await loadTiny(model)).backend;
    await withTimeline((timeline) => append(timeline, sequence(40), 16), own);
    const { weights, kv, scratch } = own.memory();
    expect(weights + kv + scratch).toBe(own.gpu.allocatedBytes);
    expect(scratch).toBeGreaterThan(0);
    own.dispose();
    expect(own.gpu.allocatedBytes).toBe(0);
  });
});
