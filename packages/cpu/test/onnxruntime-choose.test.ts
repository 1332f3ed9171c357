import { LongtabError } from "@longtab/errors";
import { expect, test } from "vitest";
import { choosePrefill, openProducts, withoutOnnxRuntime } from "../src/onnxruntime/index.ts";
import type { PrefillFacts } from "../src/onnxruntime/index.ts";

const facts: PrefillFacts = { wanted: "auto", simd: "plain", weightBits: 4, copyBytes: 100e6, freeBytes: 1e9 };

test("our own kernels prefill where ONNX Runtime is not worth its cost, and the plan says so", () => {
  for (const simd of ["plain", "relaxed"] as const) {
    for (const weightBits of [4, 8] as const) expect(choosePrefill({ ...facts, simd, weightBits }).engine).toBe("own");
  }
  expect(choosePrefill(facts).reason).toMatchInlineSnapshot(
    `"our own kernels take 1.05 times as long as ONNX Runtime's, without a download or 145 MB of memory"`,
  );
});

test("ONNX Runtime prefills where our kernels take more than 1.2 times as long", () => {
  expect(choosePrefill({ ...facts, ratio: 1.2 }).engine).toBe("own");
  expect(choosePrefill({ ...facts, ratio: 1.3 })).toEqual({
    engine: "onnxruntime",
    reason: "our own kernels take 1.3 times as long as ONNX Runtime's",
  });
});

test("who asks for an engine gets it", () => {
  expect(choosePrefill({ ...facts, wanted: "onnxruntime" })).toEqual({ engine: "onnxruntime", reason: "the setting says so" });
  expect(choosePrefill({ ...facts, wanted: "own" })).toEqual({ engine: "own", reason: "the setting says so" });
});

test("ONNX Runtime is not taken where its copies of the weights do not fit", () => {
  expect(choosePrefill({ ...facts, wanted: "onnxruntime", freeBytes: 144e6 }).reason).toMatchInlineSnapshot(
    `"ONNX Runtime would need 145 MB for 8-bit copies of the weights, and 144 MB are free"`,
  );
  expect(choosePrefill({ ...facts, wanted: "onnxruntime", freeBytes: 145e6 }).engine).toBe("onnxruntime");
});

test("a build that cannot be had is done without", async () => {
  const host = { shared: false, load: () => Promise.reject(new TypeError("Failed to fetch")) };
  const error = await openProducts([], { host, threads: 1 }).catch((caught: unknown) => caught);
  expect(withoutOnnxRuntime(error)).toEqual({ engine: "own", reason: "ONNX Runtime's WebAssembly could not be fetched or started" });
});

test("an abort or a damaged file is no reason to go on without", () => {
  const aborted = new LongtabError({ code: "aborted", what: "The request was aborted" });
  expect(() => withoutOnnxRuntime(aborted)).toThrow(aborted);
});
