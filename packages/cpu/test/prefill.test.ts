import type { Sampling } from "@longtab/engine";
import { LongtabError } from "@longtab/errors";
import { BytesSource, parseGguf } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { describe, expect, test } from "vitest";
import type { CpuHost } from "../src/host.ts";
import { loadCpuBackend } from "../src/index.ts";
import type { CpuBackend, LoadCpuOptions } from "../src/index.ts";
import { host } from "./kernels.ts";

const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 0, seed: 0 };
const prompt = Uint32Array.from({ length: 40 }, (_, index) => (index * 97 + 5) % 320);

async function load(options: LoadCpuOptions = {}): Promise<CpuBackend> {
  const source = new BytesSource(tinyModel());
  return loadCpuBackend(await parseGguf(source), source, { host, threads: 1, ...options });
}

function failing(error: Error): CpuHost {
  return { ...host, onnxRuntime: () => Promise.reject(error) };
}

describe("a model whose prompts ONNX Runtime is to read", () => {
  test("says what ONNX Runtime holds", async () => {
    const [own, other] = [await load(), await load({ prefill: "onnxruntime" })];
    expect([own.prefillEngine, other.prefillEngine]).toEqual(["own", "onnxruntime"]);
    const { layers, hidden, ffn, heads, kvHeads, headSize } = own.plan.config;
    // A code for each weight, a scale for each row.
    const rows = (heads + 2 * kvHeads) * headSize + hidden + 2 * ffn + hidden;
    const codes = (heads + 2 * kvHeads) * headSize * hidden + hidden * heads * headSize + 2 * ffn * hidden + hidden * ffn;
    expect(other.memory().weights - own.memory().weights).toBe(layers * (codes + 4 * rows));
    own.dispose();
    other.dispose();
  });

  test.each([
    ["cannot be started", new LongtabError({ code: "wasm-unavailable", what: "ONNX Runtime is not here" }), "ONNX Runtime is not here"],
    ["has no memory", new LongtabError({ code: "out-of-memory", what: "There is no memory for it" }), "There is no memory for it"],
    ["cannot be fetched", new TypeError("Failed to fetch a module"), "The scripts for ONNX Runtime could not be fetched"],
  ])("reads them itself where it %s, and says why", async (_, error, reason) => {
    const backend = await load({ prefill: "onnxruntime", host: failing(error) });
    expect(backend).toMatchObject({ prefillEngine: "own", prefillReason: reason });
    const own = await load({ prefill: "own" });
    expect(backend.memory()).toEqual(own.memory());
    expect(await backend.createTimeline().prefill(prompt, greedy)).toBe(await own.createTimeline().prefill(prompt, greedy));
    own.dispose();
    backend.dispose();
  });

  test("is not loaded where the file turns out to be damaged", async () => {
    const damaged = new LongtabError({ code: "file-truncated", what: "The file ends" });
    await expect(load({ prefill: "onnxruntime", host: failing(damaged) })).rejects.toBe(damaged);
  });
});
