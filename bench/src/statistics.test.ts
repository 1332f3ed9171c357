import { describe, expect, it } from "vitest";
import { median, medianRatio, pairRatios, spread } from "./statistics.ts";

describe("median", () => {
  it("is the middle value, whatever the order", () => {
    expect(median([9, 1, 4])).toBe(4);
  });

  it("is the mean of the two middle values of an even number", () => {
    expect(median([10, 1, 3, 2])).toBe(2.5);
  });

  it("is the value itself for one, and no number for none", () => {
    expect(median([7])).toBe(7);
    expect(median([])).toBeNaN();
  });

  it("leaves its argument in order", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe("spread", () => {
  it("is the range as a share of the median", () => {
    expect(spread([8, 10, 13])).toBeCloseTo(0.5);
  });

  it("is nothing for a single value", () => {
    expect(spread([5])).toBe(0);
  });
});

describe("medianRatio", () => {
  it("compares round by round, so that a slow round for both changes nothing", () => {
    // The medians' own ratio would be 30 / 20.
    expect(medianRatio([10, 30, 40], [5, 60, 20])).toBe(2);
  });

  it("counts only rounds that both measured", () => {
    expect(pairRatios([6, 8, 100], [3, 2])).toEqual([2, 4]);
    expect(medianRatio([1], [])).toBeNaN();
  });
});
