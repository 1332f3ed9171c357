import { describe, expect, it } from "vitest";
import type { ContextCell } from "./figures.ts";
import { beyondCopy, cellOf, lengthsOf, memoryShare, policiesOf, selectionShare, timeRatio } from "./figures.ts";

const pages = { sink: 0, recent: 0, kept: 0, away: 0, far: 0, quantised: 0, forgotten: 0 };
const cell = (policy: ContextCell["policy"], tokens: number, milliseconds: number[]): ContextCell => ({
  policy,
  tokens,
  milliseconds,
  kvBytes: tokens * 500,
  pages,
  parts: [],
});
const cells = [cell("dense", 8192, [40, 90]), cell("dense", 1024, [20, 30]), cell("auto", 1024, [20, 20])];

describe("context figures", () => {
  it("are found by policy and length", () => {
    expect(cellOf({ cells }, "dense", 1024)?.milliseconds).toEqual([20, 30]);
    expect(cellOf({ cells }, "auto", 8192)).toBeUndefined();
    expect(policiesOf({ cells })).toEqual(["dense", "auto"]);
    expect(lengthsOf({ cells })).toEqual([1024, 8192]);
  });

  it("grow by the median of the rounds' ratios, and by nothing known where one was not measured", () => {
    expect(timeRatio(cells[0], cells[1])).toBe(2.5);
    expect(timeRatio(cells[0], undefined)).toBeNaN();
  });

  it("compare pages with what every token would take in f16", () => {
    expect(memoryShare({ tokenBytes: 1000 }, cells[2] as ContextCell)).toBe(0.5);
  });

  it("count every kernel that selects, and none where a step was not taken apart", () => {
    const parts = [
      { name: "select_runs", calls: 30, milliseconds: 1 },
      { name: "selecting runs", calls: 30, milliseconds: 2 },
      { name: "attention", calls: 30, milliseconds: 7 },
    ];
    expect(selectionShare({ ...cell("quest", 1024, []), parts })).toBeCloseTo(0.3);
    expect(selectionShare(cell("quest", 1024, []))).toBeNaN();
  });

  it("leave out of a snapshot what a copy takes", () => {
    const seconds = { writeSeconds: 0.5, restoreSeconds: 0.75, copySeconds: 0.25 };
    expect(beyondCopy({ tokens: 1, bytes: 1, ...seconds })).toEqual({ write: 0.25, restore: 0.5 });
  });
});
