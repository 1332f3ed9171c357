import { describe, expect, it } from "vitest";
import { formatNumber, formatRatio, formatShare, formatTable } from "./table.ts";

describe("formatTable", () => {
  it("aligns each column to its widest cell", () => {
    const table = formatTable(
      [
        { title: "kernel", align: "left" },
        { title: "ms", align: "right" },
      ],
      [
        ["matvec", "12.5"],
        ["norm", "0.3"],
      ],
    );
    expect(table).toMatchInlineSnapshot(`
      "kernel    ms
      matvec  12.5
      norm     0.3"
    `);
  });

  it("leaves cells empty that a row lacks, and no spaces at the end of lines", () => {
    const table = formatTable(
      [
        { title: "a", align: "left" },
        { title: "b", align: "left" },
      ],
      [["long cell"], ["x", "y"]],
    );
    expect(table.split("\n")).toEqual(["a          b", "long cell", "x          y"]);
  });

  it("prints the titles alone when there are no rows", () => {
    expect(formatTable([{ title: "a", align: "right" }], [])).toBe("a");
  });
});

describe("formatNumber", () => {
  it.each([
    [0, "0.00"],
    [0.01234, "0.0123"],
    [1.449, "1.45"],
    [12.34, "12.3"],
    [123.4, "123"],
    [4567.8, "4568"],
    [-2.449, "-2.45"],
    [Number.NaN, "-"],
    [Number.POSITIVE_INFINITY, "-"],
  ])("prints %d as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});

it("prints shares in whole per cent and ratios with a times sign", () => {
  expect(formatShare(0.613)).toBe("61%");
  expect(formatShare(Number.NaN)).toBe("-");
  expect(formatRatio(4.231)).toBe("4.23x");
  expect(formatRatio(Number.NaN)).toBe("-");
});
