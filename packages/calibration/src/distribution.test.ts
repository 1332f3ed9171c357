import { describe, expect, test } from "vitest";
import { compareLogits, logProbability, mostProbable } from "./distribution.ts";

describe("compareLogits", () => {
  test("is the KL of two distributions, by hand", () => {
    const [reference, other] = [Float32Array.of(Math.log(0.5), Math.log(0.25), Math.log(0.25)), Float32Array.of(0, 0, 0)];
    const expected = 0.5 * Math.log(0.5 * 3) + 2 * 0.25 * Math.log(0.25 * 3);
    expect(compareLogits(reference, other).kl).toBeCloseTo(expected, 6);
    expect(compareLogits(reference, other).same).toBe(true);
  });

  test("does not see a constant that is added to all logits", () => {
    const reference = Float32Array.of(3, -1, 0.5);
    expect(
      compareLogits(
        reference,
        reference.map((logit) => logit + 7),
      ).kl,
    ).toBeLessThan(1e-6);
  });

  test("sees another best token", () => {
    expect(compareLogits(Float32Array.of(1, 2), Float32Array.of(2, 1)).same).toBe(false);
  });

  test("is finite where a token is all but impossible", () => {
    expect(compareLogits(Float32Array.of(0, -1000), Float32Array.of(0, -2000)).kl).toBe(0);
  });
});

test("logProbability is the logarithm of the softmax", () => {
  expect(Math.exp(logProbability(Float32Array.of(Math.log(3), 0), 0))).toBeCloseTo(0.75, 6);
});

test("mostProbable takes the first of equals", () => {
  expect(mostProbable(Float32Array.of(-1, 2, 2))).toBe(1);
});
