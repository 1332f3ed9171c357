import { createRandom } from "@longtab/formats/testing";
import { openTestGpu, runKernel } from "@longtab/gpu/testing";
import { describe, expect, it } from "vitest";
import { rmsNormReference, siluMulReference } from "./elementwise.reference.ts";
import { rmsNorm } from "./rms-norm.ts";
import { siluMul } from "./silu-mul.ts";

/** f32 arithmetic against f64: a few roundings of values near 1. */
const tolerance = 1e-5;

const random = createRandom(5);
const noise = (length: number, scale = 1): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, () => (random.next() * 2 - 1) * scale);

function worst(actual: ArrayBuffer, expected: Float64Array): number {
  const values = new Float32Array(actual);
  return expected.reduce((largest, value, i) => Math.max(largest, Math.abs((values[i] ?? NaN) - value) / Math.max(1, Math.abs(value))), 0);
}

describe("rms_norm", () => {
  for (const [rows, dim] of [
    [1, 1],
    [1, 7],
    [3, 64],
    [5, 65],
    [2, 576],
    [1, 2049],
  ] as const) {
    it(`matches the reference for ${rows} rows of ${dim}`, async () => {
      const [x, weight] = [noise(rows * dim, 3), noise(dim)];
      const inputs = { step: Uint32Array.of(rows, 0, 1, 1), x, weight, y: new Float32Array(rows * dim) };
      const { y } = await runKernel(await openTestGpu(), {
        kernel: rmsNorm,
        constants: { DIM: dim, EPS: 1e-5, LAST_ROW: 0 },
        workgroups: [rows],
        inputs,
      });
      expect(worst(y, rmsNormReference(x, weight, 1e-5))).toBeLessThan(tolerance);
    });
  }

  it("reads the last row and writes row 0 with LAST_ROW", async () => {
    const [x, weight] = [noise(3 * 65), noise(65)];
    const inputs = { step: Uint32Array.of(3, 0, 1, 1), x, weight, y: new Float32Array(65) };
    const { y } = await runKernel(await openTestGpu(), {
      kernel: rmsNorm,
      constants: { DIM: 65, EPS: 1e-5, LAST_ROW: 1 },
      workgroups: [1],
      inputs,
    });
    expect(worst(y, rmsNormReference(x.slice(2 * 65), weight, 1e-5))).toBeLessThan(tolerance);
  });

  it("maps a row of zeros to zeros", async () => {
    const inputs = { step: Uint32Array.of(1, 0, 1, 1), x: new Float32Array(9), weight: noise(9), y: new Float32Array(9).fill(1) };
    const { y } = await runKernel(await openTestGpu(), {
      kernel: rmsNorm,
      constants: { DIM: 9, EPS: 1e-5, LAST_ROW: 0 },
      workgroups: [1],
      inputs,
    });
    expect(Array.from(new Float32Array(y), Math.abs)).toEqual(Array.from({ length: 9 }, () => 0));
  });
});

describe("silu_mul", () => {
  for (const [rows, dim] of [
    [1, 1],
    [2, 63],
    [3, 64],
    [1, 1537],
  ] as const) {
    it(`matches the reference for ${rows} rows of ${dim}`, async () => {
      const gateUp = noise(rows * 2 * dim, 20);
      const inputs = { gate_up: gateUp, y: new Float32Array(rows * dim) };
      const { y } = await runKernel(await openTestGpu(), {
        kernel: siluMul,
        constants: { DIM: dim },
        workgroups: [Math.ceil(dim / 64), rows],
        inputs,
      });
      expect(worst(y, siluMulReference(gateUp, dim))).toBeLessThan(tolerance);
    });
  }
});
