import { describe, expect, it } from "vitest";
import { BytesSource, TENSOR_TYPES, dequantise, parseGguf, readInteger, readNumbers, readString, readStrings } from "../src/index.ts";
import { createRandom, tinyModel } from "../src/testing/index.ts";

function sequence(seed: number): number[] {
  return Array.from({ length: 5 }, createRandom(seed).next);
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

describe("tinyModel", () => {
  it("is a llama with the tensors of one, every matrix [rows, columns]", async () => {
    const { metadata, tensors } = await parseGguf(new BytesSource(tinyModel({ seed: 1 })));
    expect(readString(metadata, "general.architecture")).toBe("llama");
    expect(readInteger(metadata, "llama.block_count")).toBe(2);
    expect([...tensors.values()].map(({ name, type, shape }) => `${name} ${type} [${shape.join(", ")}]`)).toMatchInlineSnapshot(`
      [
        "token_embd.weight Q8_0 [320, 64]",
        "blk.0.attn_norm.weight F32 [64]",
        "blk.0.ffn_down.weight Q4_1 [64, 128]",
        "blk.0.ffn_gate.weight Q4_1 [128, 64]",
        "blk.0.ffn_up.weight Q4_1 [128, 64]",
        "blk.0.ffn_norm.weight F32 [64]",
        "blk.0.attn_k.weight Q4_1 [32, 64]",
        "blk.0.attn_output.weight Q4_1 [64, 64]",
        "blk.0.attn_q.weight Q4_1 [64, 64]",
        "blk.0.attn_v.weight Q4_1 [32, 64]",
        "blk.1.attn_norm.weight F32 [64]",
        "blk.1.ffn_down.weight Q4_1 [64, 128]",
        "blk.1.ffn_gate.weight Q4_1 [128, 64]",
        "blk.1.ffn_up.weight Q4_1 [128, 64]",
        "blk.1.ffn_norm.weight F32 [64]",
        "blk.1.attn_k.weight Q4_1 [32, 64]",
        "blk.1.attn_output.weight Q4_1 [64, 64]",
        "blk.1.attn_q.weight Q4_1 [64, 64]",
        "blk.1.attn_v.weight Q4_1 [32, 64]",
        "output_norm.weight F32 [64]",
      ]
    `);
  });

  it("gives the same bytes for the same options and others for another seed", () => {
    const bytes = tinyModel({ seed: 3 });
    expect(Buffer.compare(bytes, tinyModel({ seed: 3 }))).toBe(0);
    expect(Buffer.compare(bytes, tinyModel({ seed: 4 }))).not.toBe(0);
  });

  it.each(TENSOR_TYPES)("makes every matrix %s", async (type) => {
    const bytes = tinyModel({
      hidden: 256,
      layers: 1,
      heads: 4,
      kvHeads: 1,
      headSize: 64,
      ffn: 256,
      vocabulary: 259,
      types: type,
      tied: false,
    });
    const { tensors } = await parseGguf(new BytesSource(bytes));
    const matrices = [...tensors.values()].filter(({ shape }) => shape.length === 2);
    expect(matrices.map((matrix) => matrix.type)).toEqual(Array.from({ length: 9 }, () => type));
    const query = tensors.get("blk.0.attn_q.weight");
    const weights = new Float32Array(256 * 256);
    dequantise(type, bytes.subarray(query?.offset, (query?.offset ?? 0) + (query?.byteLength ?? 0)), weights);
    const deviation = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length);
    // Two bits of rounding add a tenth to the deviation.
    expect(deviation * Math.sqrt(256)).toBeGreaterThan(1.9);
    expect(deviation * Math.sqrt(256)).toBeLessThan(2.3);
  });

  it("takes sizes where the heads together are not the hidden size, and says so as real files do", async () => {
    const options = { hidden: 96, layers: 1, heads: 3, kvHeads: 3, headSize: 64, ffn: 32, types: { query: "F16", down: "Q8_0" } } as const;
    const { metadata, tensors } = await parseGguf(new BytesSource(tinyModel(options)));
    expect(readInteger(metadata, "llama.attention.key_length")).toBe(64);
    expect(tensors.get("blk.0.attn_q.weight")).toMatchObject({ type: "F16", shape: [192, 96] });
    expect(tensors.get("blk.0.attn_output.weight")).toMatchObject({ type: "Q4_1", shape: [96, 192] });
    expect(tensors.get("blk.0.ffn_down.weight")).toMatchObject({ type: "Q8_0", shape: [96, 32] });
  });

  it.each([259, 320, 1200])("has a byte-level vocabulary of %i tokens in which every merge makes a token", async (vocabulary) => {
    const { metadata } = await parseGguf(new BytesSource(tinyModel({ vocabulary })));
    const tokens = readStrings(metadata, "tokenizer.ggml.tokens");
    const known = new Set(tokens);
    expect(known.size).toBe(vocabulary);
    expect(readNumbers(metadata, "tokenizer.ggml.token_type")).toHaveLength(vocabulary);
    expect(tokens.slice(0, 3)).toEqual(["<|endoftext|>", "<|im_start|>", "<|im_end|>"]);
    const pairs = readStrings(metadata, "tokenizer.ggml.merges").map((merge) => merge.split(" "));
    expect(pairs.filter((pair) => pair.length !== 2 || ![...pair, pair.join("")].every((part) => known.has(part)))).toEqual([]);
  });

  it("refuses a vocabulary that cannot hold the bytes", () => {
    expect(() => tinyModel({ vocabulary: 258 })).toThrow("258");
  });
});

describe("createRandom", () => {
  it("gives the same sequence for the same seed", () => {
    expect(sequence(7)).toEqual(sequence(7));
    expect(sequence(7)).not.toEqual(sequence(8));
  });

  it("is uniform and normal to what 100,000 draws show", () => {
    const random = createRandom(1);
    expect(mean(Array.from({ length: 100_000 }, random.next))).toBeCloseTo(0.5, 2);
    const normals = random.normals(100_000, 3);
    expect(mean(normals)).toBeCloseTo(0, 1);
    expect(Math.sqrt(mean(normals.map((value) => value * value)))).toBeCloseTo(3, 1);
    expect(new Set(random.bytes(10_000)).size).toBe(256);
  });
});
