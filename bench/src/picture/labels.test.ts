import { createRandom } from "@longtab/formats/testing";
import { describe, expect, it } from "vitest";
import { spreadLabels } from "./labels.ts";

const spread = (anchors: readonly number[]): number[] =>
  spreadLabels(
    anchors.map((anchor) => ({ text: "", anchor, y: anchor })),
    10,
    0,
    100,
  ).map(({ y }) => y);

describe("spreadLabels", () => {
  it("leaves names where they are that do not touch, in order from the top", () => {
    expect(spread([80, 20, 50])).toEqual([20, 50, 80]);
  });

  it("moves names apart around the middle of their anchors", () => {
    expect(spread([50, 50])).toEqual([45, 55]);
    expect(spread([48, 50, 52])).toEqual([40, 50, 60]);
  });

  it("joins blocks that come to touch", () => {
    expect(spread([40, 42, 52]).map(Math.round)).toEqual([35, 45, 55]);
  });

  it("stays within the panel", () => {
    expect(spread([-5, 0])).toEqual([0, 10]);
    expect(spread([100, 100, 100])).toEqual([80, 90, 100]);
  });

  it("keeps any names apart, in the order of their anchors", () => {
    const random = createRandom(7);
    for (let trial = 0; trial < 200; trial++) {
      const found = spread(Array.from({ length: 1 + random.integer(9) }, () => random.integer(101)));
      for (const [index, y] of found.slice(1).entries()) expect(y - (found[index] ?? 0)).toBeGreaterThanOrEqual(10 - 1e-9);
      expect(Math.min(...found)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...found)).toBeLessThanOrEqual(100);
    }
  });
});
