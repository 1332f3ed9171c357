import { dequantise } from "@longtab/formats";
import { createRandom, quantise } from "@longtab/formats/testing";
import { describe, expect, it } from "vitest";
import { storedForm } from "../src/forms.ts";
import { openKernels } from "./kernels.ts";
import type { OpenKernels } from "./kernels.ts";

const builds = ["plain", "relaxed"] as const;

/** What quantised blocks [blocks, rows] mean: f32 [rows, columns]. Of 16 bits each four columns are in the order 0 2 1 3, 16 + 4 j after 4 j. */
function readInputs({ heap, kernels }: OpenKernels, pointer: number, rows: number, columns: number, bits: number): Float32Array {
  const values = new Float32Array(rows * columns);
  const blockBytes = kernels.inputBlockBytes(bits);
  for (let block = 0; block < columns / 32; block++)
    for (let row = 0; row < rows; row++) {
      const at = pointer + (block * rows + row) * blockBytes;
      // Of 8 bits each half of a block has a scale of its own.
      const scales = heap.f32(at + bits * 4, bits === 8 ? 3 : 2).slice();
      const sum = scales.at(-1);
      const quants = bits === 8 ? new Int8Array(heap.memory.buffer, at, 32) : new Int16Array(heap.memory.buffer, at, 32);
      let expected = 0;
      for (let i = 0; i < 32; i++) {
        const j = Math.floor(i / 8);
        const column = bits === 8 ? i : 4 * j + ([0, 2, 1, 3][i % 4] ?? 0) + (i % 8 < 4 ? 0 : 16);
        const value = (scales[bits === 8 ? Math.floor(i / 16) : 0] ?? NaN) * (quants[i] ?? 0);
        values[row * columns + block * 32 + column] = value;
        expected += value;
      }
      expect(Math.abs((sum ?? NaN) - expected)).toBeLessThanOrEqual(
        1e-6 * 32 * Math.max(...scales.map(Math.abs)) * (bits === 8 ? 127 : 32767),
      );
    }
  return values;
}

function expectClose(actual: Float32Array, expected: ArrayLike<number>, bits: number): void {
  for (let block = 0; block < actual.length; block += 32) {
    const largest = Math.max(...Array.from({ length: 32 }, (_, i) => Math.abs(expected[block + i] ?? 0)));
    const step = largest / (bits === 8 ? 127 : 32767);
    for (let i = block; i < block + 32; i++)
      expect(Math.abs((actual[i] ?? NaN) - (expected[i] ?? 0))).toBeLessThanOrEqual(step * 0.501 + largest * 2e-6);
  }
}

describe.each(builds)("inputs of products with %s SIMD", (simd) => {
  it.each([8, 16])("are the nearest of %d bits in their block's scale", async (bits) => {
    const open = await openKernels(simd);
    const x = createRandom(1).normals(3 * 96);
    x.fill(0, 32, 64);
    const [from, to] = [open.heap.allocate(x.byteLength), open.heap.allocate(3 * 3 * 72)];
    open.heap.f32(from, x.length).set(x);
    open.kernels.quantise(from, 3, 96, to, bits);
    expectClose(readInputs(open, to, 3, 96, bits), x, bits);
  });

  it.each([8, 16])("are normalised by their root mean square, %d bits", async (bits) => {
    const open = await openKernels(simd);
    const x = createRandom(2).normals(5 * 64, 3);
    const weight = createRandom(3).normals(64);
    const [from, by, to, normed] = [5 * 64 * 4, 64 * 4, 5 * 2 * 72, 5 * 64 * 4].map((bytes) => open.heap.allocate(bytes)) as [
      number,
      number,
      number,
      number,
    ];
    open.heap.f32(from, x.length).set(x);
    open.heap.f32(by, 64).set(weight);
    open.kernels.norm(from, 5, 64, to, bits, by, 1e-5, normed);
    const expected = x.map((value, i) => {
      const row = x.subarray(i - (i % 64), i - (i % 64) + 64);
      const meanSquare = row.reduce((sum, v) => sum + v * v, 0) / 64;
      return (value / Math.sqrt(meanSquare + 1e-5)) * (weight[i % 64] ?? 0);
    });
    expectClose(readInputs(open, to, 5, 64, bits), expected, bits);
    const exact = open.heap.f32(normed, x.length);
    for (const [i, value] of expected.entries())
      expect(Math.abs((exact[i] ?? NaN) - value)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
  });

  it.each([8, 16])("are gated by silu, %d bits, also where the gate is large", async (bits) => {
    const open = await openKernels(simd);
    const gateUp = createRandom(4).normals(2 * 2 * 64, 4);
    gateUp.set([100, -100, 87, -87, -88, 0, 1e4, -1e4]);
    const [from, to] = [open.heap.allocate(gateUp.byteLength), open.heap.allocate(2 * 2 * 72)];
    open.heap.f32(from, gateUp.length).set(gateUp);
    open.kernels.siluMul(from, 2, 64, to, bits);
    const expected = Float32Array.from({ length: 128 }, (_, i) => {
      const [row, column] = [Math.floor(i / 64), i % 64];
      const gate = gateUp[row * 128 + column] ?? 0;
      return (gate / (1 + Math.exp(-gate))) * (gateUp[row * 128 + 64 + column] ?? 0);
    });
    expectClose(readInputs(open, to, 2, 64, bits), expected, bits);
  });
});

describe.each(builds)("the embedding with %s SIMD", (simd) => {
  it.each(["Q4_0", "Q4_1", "Q8_0"] as const)("gives the rows that the file has, %s", async (type) => {
    const { heap, kernels } = await openKernels(simd);
    const [rows, columns] = [11, 96];
    const bytes = quantise(type, createRandom(5).normals(rows * columns));
    const values = new Float32Array(rows * columns);
    dequantise(type, bytes, values);
    const { relay, bits } = storedForm(type);
    const [source, tiles, ids, y] = [bytes.length, 3 * 3 * 136, 64, 8 * columns * 4].map((size) => heap.allocate(size)) as [
      number,
      number,
      number,
      number,
    ];
    heap.u8(source, bytes.length).set(bytes);
    kernels.relay(relay, source, rows, 3, tiles);
    const wanted = [10, 0, 3, 3, 7];
    heap.u32(ids, wanted.length).set(wanted);
    kernels.embed(tiles, bits, ids, wanted.length, 3, y);
    // Adding 0 makes -0, which the processor does not keep, into 0.
    for (const [row, id] of wanted.entries())
      expect(heap.f32(y + row * columns * 4, columns)).toEqual(values.slice(id * columns, (id + 1) * columns).map((value) => value + 0));
  });
});
