import { BytesSource, TENSOR_TYPES } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import type { TinyModelOptions } from "@longtab/formats/testing";
import { Recorder } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { openTestGpu } from "@longtab/gpu/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { forwardReference, readReference } from "../src/testing/index.ts";
import { Runner } from "./runner.ts";

/**
 * Most that a logit may differ by, logits having a deviation of about 2: f32 sums against f64, and now and then a key or value that rounds to the
 * neighbouring f16.
 */
const tolerance = 4e-3;

let gpu: Gpu;
let recorder: Recorder;
beforeAll(async () => {
  gpu = await openTestGpu();
  recorder = new Recorder(gpu);
});

/** Sizes for which every type has whole blocks; the same throughout, so that the tests share pipelines, which take long to make on a software adapter. */
const sizes: TinyModelOptions = { hidden: 256, heads: 4, kvHeads: 2, headSize: 64, ffn: 256, contextLength: 64 };

/** The largest difference of any logit, over a prompt in chunks of 1 and more across a page border and single tokens after it. */
async function largestDifference(options: TinyModelOptions): Promise<number> {
  const source = new BytesSource(tinyModel(options));
  const vocabulary = options.vocabulary ?? 320;
  const ids = Array.from({ length: 20 }, (_, index) => (index * 97 + 5) % vocabulary);
  const expected = forwardReference(await readReference(source), ids);
  const runner = await Runner.load(gpu, recorder, source);
  try {
    const rows: Float32Array[] = [];
    let from = 0;
    for (const length of [3, 1, 13, 1, 1]) rows.push(...(await runner.step(ids.slice(from, (from += length)), "all")));
    const [last] = await runner.step(ids.slice(from), "last");
    expect(rows).toHaveLength(19);
    return Math.max(...[...rows, last].map((logits, step) => difference(logits, expected[step])));
  } finally {
    runner.dispose();
  }
}

function difference(logits: Float32Array | undefined, expected: readonly number[] | undefined): number {
  expect(logits).toHaveLength(expected?.length ?? 0);
  return Math.max(...(expected ?? []).map((value, id) => Math.abs(value - (logits?.[id] ?? Infinity))));
}

describe("the forward pass equals the plain f64 llama", () => {
  test.each(TENSOR_TYPES)("with queries, keys, values, gate and up in %s", async (type) => {
    expect(await largestDifference({ ...sizes, types: { query: type, key: type, value: type, gate: type, up: type } })).toBeLessThan(
      tolerance,
    );
  });

  test.each(["F16", "Q6_K"] as const)("with every matrix in %s", async (types) => {
    expect(await largestDifference({ ...sizes, types })).toBeLessThan(tolerance);
  });

  test("with types that differ inside a layer, as K-quant mixtures have them", async () => {
    const types = { embedding: "Q6_K", query: "Q4_K", key: "Q4_K", value: "Q6_K", gate: "Q4_K", up: "Q5_K", down: "Q6_K" } as const;
    expect(await largestDifference({ ...sizes, types })).toBeLessThan(tolerance);
  });

  test.each([
    ["a KV head for each query head", { kvHeads: 4 }],
    ["four query heads to a KV head", { kvHeads: 1 }],
    ["three query heads to a KV head, in heads that are not D / H wide", { hidden: 96, heads: 12, kvHeads: 4, headSize: 16, ffn: 96 }],
  ])("with %s", async (_, options) => {
    expect(await largestDifference({ ...sizes, ...options })).toBeLessThan(tolerance);
  });

  test("with an output head of its own", async () => {
    expect(await largestDifference({ ...sizes, tied: false })).toBeLessThan(tolerance);
    expect(await largestDifference({ ...sizes, tied: false, vocabulary: 333 })).toBeLessThan(tolerance);
  });
});
