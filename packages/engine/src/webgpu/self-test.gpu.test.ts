import { BytesSource, parseGguf } from "@longtab/formats";
import type { TensorType } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import type { TinyModelOptions } from "@longtab/formats/testing";
import { openTestGpu } from "@longtab/gpu/testing";
import { readConfig } from "@longtab/model";
import type { Weight } from "@longtab/model";
import { afterEach, describe, expect, test } from "vitest";
import { BorrowedGpu } from "../../test/borrowed-gpu.ts";
import { loadWebGpuBackend } from "./backend.ts";
import type { WebGpuBackend } from "./backend.ts";
import { SelfTest } from "./self-test.ts";

const everyType: TensorType[] = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"];

let backend: WebGpuBackend;
afterEach(() => backend.dispose());

/** Loads a model without testing it, and gives a self-test that has seen its file. */
async function open(options: TinyModelOptions): Promise<SelfTest> {
  const source = new BytesSource(tinyModel(options));
  const file = await parseGguf(source);
  const selfTest = new SelfTest(file, readConfig(file));
  backend = await loadWebGpuBackend(new BorrowedGpu(await openTestGpu()), file, selfTest.watch(source), { selfTest: false });
  return selfTest;
}

function damage({ shards }: Weight, part: "quants" | "scales", offset = 0): void {
  const buffer = shards[0]?.[part];
  if (buffer) backend.gpu.device.queue.writeBuffer(buffer, offset, Uint32Array.of(0x3a5b3a5b));
}

describe("the self-test of a GPU", () => {
  test.each(everyType)("passes for weights of type %s", async (type) => {
    const shape = type.endsWith("_K") ? { hidden: 256, headSize: 64, ffn: 256 } : {};
    const source = new BytesSource(tinyModel({ seed: 2, types: type, layers: 1, ...shape }));
    backend = await loadWebGpuBackend(new BorrowedGpu(await openTestGpu()), await parseGguf(source), source);
    expect(backend.stepSeconds).toBeGreaterThan(0);
  });

  test("passes where a weight is of several types, its rows are no multiple of four, and the head is a tensor of its own", async () => {
    const types = { query: "Q8_0", key: "Q4_0", value: "Q5_1", down: "F16", output: "Q4_1" } as const;
    const selfTest = await open({ seed: 3, types, vocabulary: 301, tied: false });
    await expect(selfTest.checkProducts(backend)).resolves.toBeUndefined();
  });

  test.each(["quants", "scales"] as const)("finds wrong %s of a weight", async (part) => {
    const selfTest = await open({ seed: 4 });
    const layer = backend.model.weights.layers[0];
    if (layer) damage(layer.attentionOutput, part);
    await expect(selfTest.checkProducts(backend)).rejects.toMatchObject({
      code: "self-test-failed",
      what: "The graphics card does not compute what it should: a product with blk.0.attn_output.weight (Q4_1) is wrong",
      limit: 2e-5,
      remedy: "update the browser and the graphics driver, or run the model on the processor",
    });
  });

  test("finds a wrong weight of the second type, in the last row of the part that has it", async () => {
    const selfTest = await open({ seed: 4, types: { value: "Q8_0" } });
    const qkv = backend.model.weights.layers[0]?.qkv;
    const shard = qkv?.shards.at(-1);
    expect(shard).toMatchObject({ format: "bytes_block", rows: 32 });
    // 64 columns of a byte each, laid out by quads of rows: the last word is of the last row.
    if (shard) backend.gpu.device.queue.writeBuffer(shard.quants, 32 * 64 - 4, Uint32Array.of(0x5a5a5a5a));
    await expect(selfTest.checkProducts(backend)).rejects.toMatchObject({
      what: "The graphics card does not compute what it should: a product with blk.0.attn_v.weight (Q8_0) is wrong",
    });
  });

  test("finds a wrong embedding", async () => {
    const selfTest = await open({ seed: 4 });
    damage(backend.model.weights.embedding, "quants");
    await expect(selfTest.checkProducts(backend)).rejects.toMatchObject({
      what: "The graphics card does not compute what it should: the embedding in token_embd.weight (Q8_0) is wrong",
    });
  });

  test("finds logits that are not the head's product", async () => {
    const selfTest = await open({ seed: 4 });
    const normed = Float32Array.from({ length: 64 }, (_, index) => Math.sin(index));
    expect(() => selfTest.checkHead(normed, new Float32Array(320))).toThrow("a product with token_embd.weight (Q8_0) is wrong");
    expect(() => selfTest.checkHead(normed, new Float32Array(320).fill(NaN))).toThrow("found not a number");
  });

  test("finds a token whose logits differ among others, and what is no number", async () => {
    const selfTest = await open({ seed: 4 });
    const alone = Float32Array.from({ length: 1000 }, (_, id) => Math.sin(id));
    expect(() => selfTest.checkPaths(alone, alone)).not.toThrow();
    expect(() => selfTest.checkPaths(alone, alone.with(500, (alone[500] ?? 0) + 0.05))).not.toThrow();
    for (const wrong of [(alone[500] ?? 0) + 0.2, NaN, Infinity]) {
      expect(() => selfTest.checkPaths(alone, alone.with(500, wrong))).toThrow("a token's logits depend on the tokens that run with it");
      expect(() => selfTest.checkPaths(alone.with(500, wrong), alone)).toThrow("a token's logits depend on the tokens that run with it");
    }
    const nothing = new Float32Array(1000);
    expect(() => selfTest.checkPaths(nothing, nothing)).toThrow("found not a number");
  });

  test("fails a load whose weights the driver spoilt, and frees all", async () => {
    class SpoilingGpu extends BorrowedGpu {
      spoilt: GPUBuffer | undefined;

      override createBuffer(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
        const buffer = super.createBuffer(label, size, usage);
        if (label === "blk.0.attn_output.weight quants") this.spoilt = buffer;
        return buffer;
      }
    }
    const source = new BytesSource(tinyModel({ seed: 4 }));
    const load = async (selfTest: boolean): Promise<{ gpu: SpoilingGpu; loading: Promise<WebGpuBackend> }> => {
      const gpu = new SpoilingGpu(await openTestGpu());
      const spoil = ({ phase }: { phase: string }): void => {
        if (phase === "shaders" && gpu.spoilt) gpu.device.queue.writeBuffer(gpu.spoilt, 0, new Uint32Array(64));
      };
      return { gpu, loading: loadWebGpuBackend(gpu, await parseGguf(source), source, { selfTest, onProgress: spoil }) };
    };
    const tested = await load(true);
    await expect(tested.loading).rejects.toMatchObject({ code: "self-test-failed" });
    expect(tested.gpu.allocatedBytes).toBe(0);
    // Left out, nothing notices: that is what the test is for.
    backend = await (await load(false)).loading;
    expect(backend.stepSeconds).toBeGreaterThan(0);
  });
});
