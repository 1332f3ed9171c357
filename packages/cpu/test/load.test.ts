import { LongtabError } from "@longtab/errors";
import type { ByteSource } from "@longtab/formats";
import { BytesSource, parseGguf, TENSOR_TYPES } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { forwardReference, readReference } from "@longtab/model/testing";
import type { TinyModelOptions } from "@longtab/formats/testing";
import { describe, expect, test, vi } from "vitest";
import { loadCpuBackend } from "../src/index.ts";
import type { CpuBackend, LoadCpuOptions } from "../src/index.ts";
import { nodeHost } from "../src/node.ts";
import { host, watchedHost } from "./kernels.ts";

/** Sizes for which every type has whole blocks. */
const sizes: TinyModelOptions = { hidden: 256, heads: 4, kvHeads: 2, headSize: 64, ffn: 256, contextLength: 64 };

/**
 * Root mean square of the logits' differences over that of the logits: 0.8% to 1.4% where weights are kept as they are, from 8-bit inputs and values;
 * 2.5% to 3.2% where they are rounded to 8 bits, because queries and keys of random weights are large and their errors go into exponents. A wrong
 * matrix gives more than 1.
 */
const tolerance = { kept: 0.02, rounded: 0.04 };

async function load(bytes: Uint8Array<ArrayBuffer>, options: LoadCpuOptions = {}): Promise<CpuBackend> {
  const source = new BytesSource(bytes);
  return loadCpuBackend(await parseGguf(source), source, { host, threads: 1, ...options });
}

/** How far the logits of a prompt are from those of plain f64 arithmetic on the file's weights, the first 16 of its 20 tokens scored at once. */
async function relativeError(options: TinyModelOptions): Promise<number> {
  const bytes = tinyModel(options);
  const vocabulary = options.vocabulary ?? 320;
  const ids = Uint32Array.from({ length: 20 }, (_, index) => (index * 97 + 5) % vocabulary);
  const expected = forwardReference(await readReference(new BytesSource(bytes)), [...ids]).flat();
  const backend = await load(bytes);
  const timeline = backend.createTimeline();
  const logits = [...(await timeline.score(ids.subarray(0, 16))), ...(await timeline.score(ids.subarray(16)))];
  backend.dispose();
  expect(logits).toHaveLength(expected.length);
  const size = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return size(logits.map((logit, index) => logit - (expected[index] ?? NaN))) / size(expected);
}

describe("a loaded model answers as the plain f64 llama", () => {
  test.each(TENSOR_TYPES)("with every matrix in %s", async (types) => {
    const kept = types === "Q4_0" || types === "Q4_1" || types === "Q4_K" || types === "Q8_0";
    expect(await relativeError({ ...sizes, layers: 1, types })).toBeLessThan(tolerance[kept ? "kept" : "rounded"]);
  });

  test("with matrices of 4 and of 8 bits in one product", async () => {
    const types = { query: "Q4_0", key: "Q4_1", value: "Q8_0", gate: "Q6_K", up: "Q4_K" } as const;
    expect(await relativeError({ ...sizes, types })).toBeLessThan(tolerance.rounded);
  });

  test("with an output head of its own and rows that are not whole tiles", async () => {
    expect(await relativeError({ tied: false, vocabulary: 333 })).toBeLessThan(tolerance.kept);
  });
});

describe("a load", () => {
  test("reports every byte that it stores, once", async () => {
    const calls: { phase: "upload"; loaded: number; total: number }[] = [];
    const backend = await load(tinyModel({ tied: false }), { onProgress: (progress) => calls.push(progress) });
    backend.dispose();
    const total = calls[0]?.total ?? 0;
    const { tensors } = await parseGguf(new BytesSource(tinyModel({ tied: false })));
    expect(total).toBe([...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0));
    expect(calls.every((call) => call.phase === "upload" && call.total === total)).toBe(true);
    expect(calls.every(({ loaded }, index) => loaded > (calls[index - 1]?.loaded ?? 0))).toBe(true);
    expect(calls.filter(({ loaded }) => loaded === total)).toEqual([calls.at(-1)]);
  });

  test("reads matrices of many pieces in the file's order, one at a time, none larger than 2 MiB", async () => {
    const source = new BytesSource(tinyModel({ hidden: 256, heads: 4, headSize: 64, layers: 1, vocabulary: 4000, types: "F32" }));
    const reads: { offset: number; length: number }[] = [];
    let [pending, most] = [0, 0];
    const watched: ByteSource = {
      size: source.size,
      read: async (offset, length) => {
        reads.push({ offset, length });
        most = Math.max(most, ++pending);
        await Promise.resolve();
        pending--;
        return source.read(offset, length);
      },
    };
    const file = await parseGguf(source);
    (await loadCpuBackend(file, watched, { host, threads: 1 })).dispose();
    expect(most).toBe(1);
    expect(reads.toSorted((a, b) => a.offset - b.offset)).toEqual(reads);
    expect(reads.filter(({ offset }) => offset < (file.tensors.get("token_embd.weight")?.byteLength ?? 0)).length).toBeGreaterThan(1);
    expect(Math.max(...reads.map(({ length }) => length))).toBeLessThanOrEqual(2 * 2 ** 20);
  });
});

describe("a load that fails leaves no thread behind", () => {
  /** With what a load with three threads fails, whose source reads as it is told. */
  async function failure(
    read: (source: ByteSource, offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>,
    options: LoadCpuOptions = {},
  ): Promise<unknown> {
    const source = new BytesSource(tinyModel());
    const watched = watchedHost();
    const loading = loadCpuBackend(
      await parseGguf(source),
      { size: source.size, read: (offset, length) => read(source, offset, length) },
      { ...options, host: watched, threads: 3 },
    );
    const error: unknown = await loading.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(watched.threads.map(({ ended }) => ended)).toEqual([true, true]);
    return error;
  }

  test("where the source fails", async () => {
    const offline = new LongtabError({ code: "offline", what: "There is no network" });
    let reads = 0;
    expect(await failure((source, offset, length) => (++reads === 5 ? Promise.reject(offline) : source.read(offset, length)))).toBe(
      offline,
    );
  });

  test("where the source ends early", async () => {
    const half = (source: ByteSource): BytesSource => new BytesSource(tinyModel().slice(0, source.size / 2));
    expect(await failure((source, offset, length) => half(source).read(offset, length))).toMatchObject({ code: "file-truncated" });
  });

  test("where it is aborted between two pieces", async () => {
    const controller = new AbortController();
    const reason = new Error("the person chose another model");
    const options = { signal: controller.signal, onProgress: () => controller.abort(reason) };
    expect(await failure((source, offset, length) => source.read(offset, length), options)).toMatchObject({
      code: "aborted",
      cause: reason,
    });
  });

  test("where it is aborted while the source does not answer", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    const never = new Promise<Uint8Array<ArrayBuffer>>(() => {});
    let reads = 0;
    const options = { signal: controller.signal };
    expect(await failure((source, offset, length) => (++reads === 5 ? never : source.read(offset, length)), options)).toMatchObject({
      code: "aborted",
    });
  });

  test("where it is aborted before it begins", async () => {
    const read = (): never => expect.unreachable();
    await expect(
      loadCpuBackend(await parseGguf(new BytesSource(tinyModel())), { size: 0, read }, { host, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("kernels", () => {
  test("that are not there fail with where they should be", async () => {
    await expect(load(tinyModel(), { host: nodeHost("/nowhere") })).rejects.toMatchObject({
      code: "wasm-unavailable",
      value: expect.stringMatching(/^\/nowhere\/kernels.*\.wasm$/) as string,
    });
  });

  test("that cannot be fetched fail with the host's error", async () => {
    const offline = new LongtabError({ code: "network-failed", what: "There is no network" });
    await expect(load(tinyModel(), { host: { ...host, loadKernels: () => Promise.reject(offline) } })).rejects.toBe(offline);
  });

  test("that are damaged are not blamed on a policy", async () => {
    const damaged = { ...host, loadKernels: () => Promise.resolve(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 9)) };
    await expect(load(tinyModel(), { host: damaged })).rejects.toMatchObject({ code: "wasm-unavailable" });
  });

  test("that a policy forbids name its directive", async () => {
    const compile = vi.spyOn(WebAssembly, "compile").mockRejectedValue(new WebAssembly.CompileError("Refused by a policy"));
    try {
      await expect(load(tinyModel())).rejects.toThrow("wasm-unsafe-eval");
      await expect(load(tinyModel())).rejects.toMatchObject({ code: "wasm-blocked" });
    } finally {
      compile.mockRestore();
    }
  });
});
