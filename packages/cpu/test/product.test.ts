import { BLOCKS, dequantise } from "@longtab/formats";
import type { TensorType } from "@longtab/formats";
import { createRandom, quantise } from "@longtab/formats/testing";
import { describe, expect, it } from "vitest";
import { paddedRows, storedForm } from "../src/forms.ts";
import { openKernels } from "./kernels.ts";
import type { OpenKernels } from "./kernels.ts";

const builds = ["plain", "relaxed"] as const;
const types: TensorType[] = ["Q4_0", "Q4_1", "Q4_K", "Q8_0", "F32", "F16", "BF16", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q5_K", "Q6_K"];

interface Matrix {
  type: TensorType;
  rows: number;
  columns: number;
  tiles: number;
  /** f32 [rows, columns], as the file means them. */
  values: Float32Array;
}

/** A random matrix as a file would hold it, re-laid. */
function makeMatrix({ heap, kernels }: OpenKernels, type: TensorType, rows: number, columns: number, seed = 1): Matrix {
  const bytes = quantise(type, createRandom(seed).normals(rows * columns, 0.05));
  const values = new Float32Array(rows * columns);
  dequantise(type, bytes, values);
  const { direct, relay, bits } = storedForm(type);
  const source = heap.allocate(values.byteLength);
  if (direct) heap.u8(source, bytes.length).set(bytes);
  else heap.f32(source, values.length).set(values);
  const tiles = heap.allocate((paddedRows(rows) / 4) * (columns / 32) * (bits === 4 ? 80 : 136));
  kernels.relay(relay, source, rows, columns / 32, tiles);
  heap.free(source);
  return { type, rows, columns, tiles, values };
}

/** x f32 [T, columns] times the matrix, plus what y holds: [T, padded rows]. */
function multiply({ heap, kernels }: OpenKernels, matrix: Matrix, x: Float32Array, y: Float32Array, add = false): Float32Array {
  const { columns, rows, tiles } = matrix;
  const { bits } = storedForm(matrix.type);
  const count = x.length / columns;
  const inputBits = kernels.inputBits(bits);
  const pointers = {
    x: heap.allocate(x.byteLength),
    inputs: heap.allocate(count * (columns / 32) * kernels.inputBlockBytes(inputBits)),
    y: heap.allocate(y.byteLength),
    scratch: heap.allocate(kernels.productScratch(paddedRows(rows))),
  };
  heap.f32(pointers.x, x.length).set(x);
  heap.f32(pointers.y, y.length).set(y);
  kernels.quantise(pointers.x, count, columns, pointers.inputs, inputBits);
  const padded = paddedRows(rows);
  kernels.product(tiles, bits, pointers.inputs, inputBits, pointers.y, count, padded, columns / 32, padded, Number(add), pointers.scratch);
  const product = heap.f32(pointers.y, y.length).slice();
  for (const pointer of Object.values(pointers)) heap.free(pointer);
  return product;
}

/** The same in f64, and for each element the sum of magnitudes, of which rounding takes a share. */
function reference({ rows, columns, values }: Matrix, x: Float32Array): { sums: Float64Array; sizes: Float64Array } {
  const count = x.length / columns;
  const stride = paddedRows(rows);
  const [sums, sizes] = [new Float64Array(count * stride), new Float64Array(count * stride)];
  for (let t = 0; t < count; t++)
    for (let n = 0; n < rows; n++)
      for (let k = 0; k < columns; k++) {
        const term = (values[n * columns + k] ?? 0) * (x[t * columns + k] ?? 0);
        sums[t * stride + n] = (sums[t * stride + n] ?? 0) + term;
        sizes[t * stride + n] = (sizes[t * stride + n] ?? 0) + Math.abs(term);
      }
  return { sums, sizes };
}

/** Whole numbers up to 127 in every half of a block: 8 bits hold them exactly. */
function wholeNumbers(length: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length }, (_, index) => (index % 16 === 7 ? 127 : random.integer(255) - 127));
}

/** How far the stored weights may be from the file's: forms.ts. */
function weightError(type: TensorType): number {
  if (type === "Q4_K") return 2 ** -10;
  return storedForm(type).error === undefined ? 0 : 0.02;
}

describe.each(builds)("products with %s SIMD", (simd) => {
  it.each(types)("multiply %s weights as the file means them", async (type) => {
    const open = await openKernels(simd);
    const matrix = makeMatrix(open, type, 10, Math.max(96, BLOCKS[type].blockSize * 2));
    const x = wholeNumbers(3 * matrix.columns, 2);
    const product = multiply(open, matrix, x, new Float32Array(3 * paddedRows(10)));
    const { sums, sizes } = reference(matrix, x);
    // f32 sums of at most 16 blocks, and 16-bit inputs that are off by half a step of 1 / 32767.
    for (const [index, sum] of sums.entries())
      expect(Math.abs((product[index] ?? NaN) - sum)).toBeLessThanOrEqual((2e-6 + 1.6e-5 + weightError(type)) * (sizes[index] ?? 0) + 1e-9);
  });

  it.each(["Q4_1", "Q8_0"] as const)("lose no more of %s than half a step of the inputs", async (type) => {
    const open = await openKernels(simd);
    const matrix = makeMatrix(open, type, 64, 256);
    const x = createRandom(3).normals(5 * 256);
    const product = multiply(open, matrix, x, new Float32Array(5 * 64));
    const { sums } = reference(matrix, x);
    const largest = type === "Q4_1" && simd === "relaxed" ? 127 : 32767;
    for (const [index, sum] of sums.entries()) {
      const [t, n] = [Math.floor(index / 64), index % 64];
      let bound = 1e-5;
      for (let block = 0; block < 256; block += 32) {
        const inputs = x.subarray(t * 256 + block, t * 256 + block + 32);
        const step = Math.max(...inputs.map(Math.abs)) / largest;
        bound += matrix.values.subarray(n * 256 + block, n * 256 + block + 32).reduce((a, w) => a + Math.abs(w), 0) * (step / 2) * 1.001;
      }
      expect(Math.abs((product[index] ?? NaN) - sum)).toBeLessThanOrEqual(bound);
    }
  });

  it.each(["Q4_1", "Q8_0"] as const)("give a row of %s the same bits alone and among others, on one thread and on three", async (type) => {
    const rows = 264;
    const x = createRandom(4).normals(37 * 160);
    const results = await Promise.all(
      [1, 3].map(async (threads) => {
        const open = await openKernels(simd, threads);
        const matrix = makeMatrix(open, type, rows, 160);
        const together = multiply(open, matrix, x, new Float32Array(37 * rows));
        for (const count of [1, 2, 5, 16, 17])
          for (const first of [0, 37 - count])
            expect(multiply(open, matrix, x.subarray(first * 160, (first + count) * 160), new Float32Array(count * rows))).toEqual(
              together.slice(first * rows, (first + count) * rows),
            );
        open.team.dispose();
        return together;
      }),
    );
    expect(results[1]).toEqual(results[0]);
  });

  it("add to what is there where they are told to", async () => {
    const open = await openKernels(simd);
    const matrix = makeMatrix(open, "Q4_1", 12, 64);
    const x = createRandom(5).normals(2 * 64);
    const before = createRandom(6).normals(24);
    const alone = multiply(open, matrix, x, new Float32Array(24));
    expect(multiply(open, matrix, x, before, true)).toEqual(before.map((value, index) => Math.fround(value + (alone[index] ?? 0))));
  });

  it("take rows of zeros, and scales that f16 holds only as subnormal numbers", async () => {
    const open = await openKernels(simd);
    const matrix = makeMatrix(open, "Q4_1", 8, 64);
    expect(multiply(open, matrix, new Float32Array(64), new Float32Array(8))).toEqual(new Float32Array(8));
    const x = wholeNumbers(64, 8);
    const tiny = { ...matrix, values: matrix.values };
    const bytes = quantise("Q4_1", createRandom(9).normals(8 * 64, 1e-6));
    dequantise("Q4_1", bytes, tiny.values);
    const source = open.heap.allocate(bytes.length);
    open.heap.u8(source, bytes.length).set(bytes);
    open.kernels.relay(storedForm("Q4_1").relay, source, 8, 2, tiny.tiles);
    const { sums, sizes } = reference(tiny, x);
    const product = multiply(open, tiny, x, new Float32Array(8));
    for (const [index, sum] of sums.entries()) expect(Math.abs((product[index] ?? NaN) - sum)).toBeLessThan(2e-5 * (sizes[index] ?? 0));
  });
});
