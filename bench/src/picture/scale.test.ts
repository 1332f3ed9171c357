import { describe, expect, it } from "vitest";
import { doublings, linearScale, logScale, roundTicks, tokensText } from "./scale.ts";

describe("logScale", () => {
  it("gives each doubling the same way", () => {
    const scale = logScale(1024, 4096, 100, 200);
    expect([1024, 2048, 4096].map(scale).map(Math.round)).toEqual([100, 150, 200]);
  });

  it("puts a single value in the middle", () => {
    expect(logScale(1024, 1024, 100, 200)(1024)).toBe(150);
  });
});

it("measures from 0, upwards where the end is above the start", () => {
  expect([0, 5, 10].map(linearScale(10, 300, 100))).toEqual([300, 200, 100]);
});

it.each([
  [35.6, [0, 10, 20, 30, 40]],
  [40, [0, 10, 20, 30, 40]],
  [453, [0, 100, 200, 300, 400, 500]],
  [0.7, [0, 0.2, 0.4, 0.6, 0.8]],
  [9, [0, 2, 4, 6, 8, 10]],
])("divides up to %d by round numbers", (most, ticks) => {
  expect(roundTicks(most)).toEqual(ticks);
});

it("marks powers of two, and every other one of many", () => {
  expect(doublings(1000, 9000)).toEqual([1024, 2048, 4096, 8192]);
  expect(doublings(1024, 32_768)).toEqual([1024, 2048, 4096, 8192, 16_384, 32_768]);
  expect(doublings(128, 65_536)).toEqual([256, 1024, 4096, 16_384, 65_536]);
});

it("writes thousands of tokens as people say them", () => {
  expect([256, 1000, 1024, 32_768].map(tokensText)).toEqual(["256", "1000", "1k", "32k"]);
});
