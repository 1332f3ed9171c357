import { LongtabError } from "@longtab/errors";
import { BytesSource, parseGguf, TENSOR_TYPES, tensorByteLength } from "@longtab/formats";
import type { ByteSource, ModelFile, TensorInfo } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import type { Gpu } from "@longtab/gpu";
import { openTestGpu } from "@longtab/gpu/testing";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { planLoad, uploadModel } from "../src/index.ts";
import type { UploadOptions } from "../src/index.ts";

const mebibyte = 2 ** 20;

let gpu: Gpu;
let allocatedBefore: number;
beforeAll(async () => {
  gpu = await openTestGpu();
});
beforeEach(() => {
  allocatedBefore = gpu.allocatedBytes;
});
afterEach(() => {
  if (gpu.allocatedBytes !== allocatedBefore) throw new Error(`${gpu.allocatedBytes - allocatedBefore} bytes are still allocated`);
});

/** A file's bytes, and what is asked of them; may fail from a read on. */
class WatchedSource implements ByteSource {
  readonly size: number;
  readonly reads: { offset: number; length: number }[] = [];
  #source: ByteSource;
  #failsAt: number;

  constructor(source: ByteSource, failsAt = Infinity) {
    this.size = source.size;
    this.#source = source;
    this.#failsAt = failsAt;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    this.reads.push({ offset, length });
    if (this.reads.length > this.#failsAt) throw new LongtabError({ code: "storage-damaged", what: "A chunk cannot be read" });
    return this.#source.read(offset, length);
  }
}

async function upload(source: ByteSource, options?: UploadOptions): ReturnType<typeof uploadModel> {
  const file = await parseGguf(source);
  return uploadModel(gpu, file, planLoad(file, { limits: gpu.report.limits }).config, source, options);
}

describe("uploadModel", () => {
  test.each(TENSOR_TYPES)("takes the memory that the plan says, with weights in %s", async (types) => {
    const source = new BytesSource(tinyModel({ hidden: 256, headSize: 64, ffn: 256, tied: false, vocabulary: 301, types }));
    const file = await parseGguf(source);
    const weights = await upload(source);
    const { memory } = planLoad(file, { limits: gpu.report.limits });
    expect(gpu.allocatedBytes - allocatedBefore).toBe(memory.weights);
    weights.dispose();
    weights.dispose();
  });

  test("reads each byte of the tensors once and counts them", async () => {
    const source = new WatchedSource(new BytesSource(tinyModel()));
    const { tensors } = await parseGguf(source);
    source.reads.length = 0;
    const calls: [number, number][] = [];
    const weights = await upload(source, { onProgress: (loaded, total) => calls.push([loaded, total]) });
    const total = [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    const first = Math.min(...[...tensors.values()].map(({ offset }) => offset));
    const ofTensors = source.reads.filter(({ offset }) => offset >= first);
    expect(ofTensors.reduce((sum, { length }) => sum + length, 0)).toBe(total);
    expect(new Set(ofTensors.map(({ offset }) => offset)).size).toBe(ofTensors.length);
    expect(calls.at(-1)).toEqual([total, total]);
    weights.dispose();
  });

  test("reads the divisors of the rotary frequencies, and counts them too", async () => {
    const tiny = tinyModel();
    const factors = Float32Array.of(1, 1, 2, 4, 8, 8, 8, 8);
    const source = new BytesSource(Uint8Array.from([...tiny, ...new Uint8Array(factors.buffer)]));
    const file = await parseGguf(new BytesSource(tiny));
    const rope: TensorInfo = { name: "rope_freqs.weight", type: "F32", shape: [8], offset: tiny.length, byteLength: 32 };
    const extended = { ...file, tensors: new Map([...file.tensors, [rope.name, rope]]) };
    let last: [number, number] = [NaN, NaN];
    const weights = await uploadModel(gpu, extended, planLoad(extended).config, source, { onProgress: (...call) => (last = call) });
    expect(weights.rotary).toMatchObject({ headSize: 16, rotaryDimensions: 16, base: 10_000, linearFactor: 1, frequencyFactors: factors });
    expect(last[0]).toBe(last[1]);
    weights.dispose();
  });

  test("frees everything when a read fails, whichever it is", async () => {
    const reads = new WatchedSource(new BytesSource(tinyModel({ layers: 1 })));
    (await upload(reads)).dispose();
    for (let failsAt = 0; failsAt < reads.reads.length; failsAt++) {
      await expect(upload(new WatchedSource(new BytesSource(tinyModel({ layers: 1 })), failsAt))).rejects.toMatchObject({
        code: "storage-damaged",
      });
      expect(gpu.allocatedBytes).toBe(allocatedBefore);
    }
  });

  test("frees everything when the file is cut off after its header was read", async () => {
    const bytes = tinyModel();
    const file = await parseGguf(new BytesSource(bytes));
    const { config } = planLoad(file);
    for (const missing of [1, 10_000, 60_000]) {
      await expect(uploadModel(gpu, file, config, new BytesSource(bytes.slice(0, bytes.length - missing)))).rejects.toMatchObject({
        code: "file-truncated",
      });
      expect(gpu.allocatedBytes).toBe(allocatedBefore);
    }
  });

  test("frees everything when it is aborted, also inside a tensor", async () => {
    const { file, source } = await largeModel();
    const controller = new AbortController();
    const { config } = planLoad(file, { limits: gpu.report.limits });
    const progress: number[] = [];
    const onProgress = (loaded: number): void => {
      progress.push(loaded);
      if (progress.length === 2) controller.abort();
    };
    await expect(uploadModel(gpu, file, config, source, { signal: controller.signal, onProgress })).rejects.toMatchObject({
      code: "aborted",
    });
    expect(progress).toHaveLength(2);
    expect(progress[1]).toBeLessThan(10 * mebibyte);
  });

  test("holds a few pieces of a large model in JavaScript, never more", async () => {
    const { file, source } = await largeModel();
    const { config } = planLoad(file, { limits: gpu.report.limits });
    const collectGarbage = exposeGarbageCollection();
    const live = (): number => {
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = live();
    let most = 0;
    const weights = await uploadModel(gpu, file, config, source, { onProgress: () => (most = Math.max(most, live() - before)) });
    expect(weights.embedding.bytes).toBeGreaterThan(64 * mebibyte);
    expect(Math.max(...source.reads.map(({ length }) => length))).toBeLessThanOrEqual(4 * mebibyte + 68);
    expect(most).toBeLessThan(16 * mebibyte);
    weights.dispose();
  });
});

/** A model with an embedding of 68 MB, whose bytes are zeros that are made when they are read. */
async function largeModel(): Promise<{ file: ModelFile; source: WatchedSource }> {
  const file = await parseGguf(new BytesSource(tinyModel()));
  const shape = [1_000_000, 64];
  const embedding: TensorInfo = { name: "token_embd.weight", type: "Q8_0", shape, offset: 0, byteLength: tensorByteLength("Q8_0", shape) };
  const tensors = new Map([...file.tensors, [embedding.name, embedding]]);
  const zeros: ByteSource = { size: 2 ** 30, read: async (_, length) => new Uint8Array(length) };
  return { file: { ...file, tensors }, source: new WatchedSource(zeros) };
}

function exposeGarbageCollection(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
