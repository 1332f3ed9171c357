import { openTestGpu } from "@longtab/gpu/testing";
import { defaultTuning } from "@longtab/model";
import { describe, expect, it } from "vitest";
import { measureProducts, modelProducts } from "./matmul.ts";

describe("measureProducts", () => {
  it("times products of one and of many rows against a copy and a multiply-add loop", async () => {
    const gpu = await openTestGpu();
    const before = gpu.allocatedBytes;
    const shapes = [
      { name: "one", type: "Q4_1", rows: 576, columns: 576, tokens: 1 },
      { name: "many", type: "Q4_1", rows: 64, columns: 64, tokens: 9 },
    ] as const;
    const { limits, products } = await measureProducts(gpu, defaultTuning(gpu.report), shapes);
    expect(limits.copyGigabytesPerSecond).toBeGreaterThan(0);
    expect(limits.multiplyAddGigaflops).toBeGreaterThan(0);
    for (const product of products) {
      expect(product.gigaflops).toBeCloseTo((2 * product.rows * product.columns * product.tokens) / product.milliseconds / 1e6, 6);
      expect(product.shareOfLimit).toBe(Math.max(product.shareOfCopy, product.shareOfMultiplyAdd));
      expect(product.shareOfLimit).toBeGreaterThan(0);
    }
    expect(gpu.allocatedBytes).toBeLessThan(before + 2 ** 20);
  });
});

describe("modelProducts", () => {
  it("holds all but the norms of the model's weights", () => {
    const weights = modelProducts(1).map(({ rows, columns, name }) => rows * columns * (name === "output head" ? 1 : 30));
    expect(weights.reduce((sum, count) => sum + count, 0)).toBe(134_479_872);
  });
});
