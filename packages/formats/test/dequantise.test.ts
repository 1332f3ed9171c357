import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BLOCKS, TENSOR_TYPES, dequantise, rowByteLength, tensorByteLength } from "../src/index.ts";
import type { TensorType } from "../src/index.ts";
import { createRandom, quantise } from "../src/testing/index.ts";

interface Recorded {
  blocks: number;
  real: number;
  bytes: number;
}

const FIXTURES = new URL("fixtures/dequantise/", import.meta.url);
const index = JSON.parse(readFileSync(new URL("index.json", FIXTURES), "utf8")) as Record<TensorType, Recorded>;

/** Largest error of a round trip, in units of a block's range (largest minus smallest element): half a step, plus the rounding of packed scales. */
const ROUND_TRIP_BOUNDS: Record<TensorType, number> = {
  F32: 0,
  F16: 2 ** -11,
  BF16: 2 ** -8,
  Q4_0: 1 / 16 + 1 / 16,
  Q4_1: 0.5 / 15 + 0.001,
  Q5_0: 1 / 32 + 1 / 32,
  Q5_1: 0.5 / 31 + 0.001,
  Q8_0: 0.5 / 127 + 0.001,
  Q2_K: 0.3,
  Q3_K: 0.25,
  Q4_K: 0.06,
  Q5_K: 0.04,
  Q6_K: 0.05,
};

function dequantised(type: TensorType, bytes: Uint8Array): Float32Array {
  const out = new Float32Array((bytes.length / BLOCKS[type].blockBytes) * BLOCKS[type].blockSize);
  dequantise(type, bytes, out);
  return out;
}

describe("dequantise", () => {
  it.each(TENSOR_TYPES)("gives the bits of the independent implementation's values for %s: real, random and extreme blocks", (type) => {
    const { blocks, bytes } = index[type];
    const file = new Uint8Array(readFileSync(new URL(`${type}.bin`, FIXTURES)));
    const expected = new Float32Array(file.slice(bytes).buffer);
    expect(expected).toHaveLength(blocks * BLOCKS[type].blockSize);
    expect(dequantised(type, file.subarray(0, bytes))).toEqual(expected);
  });

  it.each(TENSOR_TYPES)("reads %s from bytes at an odd offset in their buffer", (type) => {
    const { blockSize, blockBytes } = BLOCKS[type];
    const bytes = quantise(type, createRandom(5).normals(3 * blockSize));
    const shifted = new Uint8Array(3 * blockBytes + 1);
    shifted.set(bytes, 1);
    expect(dequantised(type, shifted.subarray(1))).toEqual(dequantised(type, bytes));
  });

  it.each(TENSOR_TYPES)("brings %s back from the test quantiser within its step", (type) => {
    const { blockSize } = BLOCKS[type];
    const values = createRandom(9).normals(64 * blockSize, 0.05);
    const restored = dequantised(type, quantise(type, values));
    const errors = Array.from({ length: 64 }, (_, block) => {
      const part = values.subarray(block * blockSize, (block + 1) * blockSize);
      const range = blockSize === 1 ? Math.abs(part[0] ?? 0) : Math.max(...part) - Math.min(...part);
      return Math.max(...part.map((value, j) => Math.abs(value - (restored[block * blockSize + j] ?? NaN)))) / range;
    });
    expect(Math.max(...errors)).toBeLessThanOrEqual(ROUND_TRIP_BOUNDS[type]);
  });

  it.each(TENSOR_TYPES)("brings a block of zeros in %s back as zeros", (type) => {
    expect(dequantised(type, quantise(type, new Float32Array(BLOCKS[type].blockSize))).every((value) => value === 0)).toBe(true);
  });

  it("refuses bytes and elements that do not fit each other", () => {
    expect(() => dequantise("Q4_1", new Uint8Array(20), new Float32Array(31))).toThrowErrorMatchingInlineSnapshot(
      `[LongtabError: 20 bytes of Q4_1 do not hold the 31 elements asked for.]`,
    );
    expect(() => dequantise("Q4_1", new Uint8Array(19), new Float32Array(32))).toThrow("19 bytes of Q4_1");
  });
});

describe("block sizes", () => {
  it("give the bytes of a row and of a tensor", () => {
    expect(rowByteLength("Q4_1", 576)).toBe(360);
    expect(tensorByteLength("Q4_1", [1536, 576])).toBe(552_960);
    expect(tensorByteLength("Q8_0", [49_152, 576])).toBe(30_081_024);
    expect(tensorByteLength("F32", [576])).toBe(2304);
    expect(tensorByteLength("Q6_K", [2, 3, 256])).toBe(1260);
  });

  it("refuse a row that is not whole blocks", () => {
    expect(() => rowByteLength("Q4_K", 576)).toThrowErrorMatchingInlineSnapshot(
      `[LongtabError: A row of Q4_K must be whole blocks of 256 elements (found 576 columns).]`,
    );
  });
});
