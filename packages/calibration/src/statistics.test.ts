import { describe, expect, test } from "vitest";
import { estimate, quantile } from "./statistics.ts";

describe("estimate", () => {
  test("gives the mean and its standard error", () => {
    expect(estimate([1, 2, 3, 4])).toEqual({ mean: 2.5, error: Math.sqrt(5 / 3 / 4), count: 4 });
  });

  test("of shares is the binomial error with n - 1", () => {
    const { mean, error } = estimate([1, 1, 1, 0]);
    expect(error).toBeCloseTo(Math.sqrt((mean * (1 - mean)) / 3), 12);
  });

  test("of one value has no error, of none no mean", () => {
    expect(estimate([7])).toEqual({ mean: 7, error: 0, count: 1 });
    expect(estimate([]).mean).toBeNaN();
  });
});

describe("quantile", () => {
  test("is a value that was measured", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantile(values, 0.99)).toBe(99);
    expect(quantile(values, 1)).toBe(100);
    expect(quantile(values, 0)).toBe(1);
  });

  test("of one value is that value, of none is none", () => {
    expect(quantile([3], 0.99)).toBe(3);
    expect(quantile([], 0.5)).toBeNaN();
  });
});
