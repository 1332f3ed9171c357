import { expect, test } from "vitest";
import type { Row } from "./measures.ts";
import { judge } from "./targets.ts";

const row = (suite: string, cell: string, measures: Record<string, number>): Row => ({
  suite,
  cell,
  measures: Object.fromEntries(Object.entries(measures).map(([name, mean]) => [name, { mean, error: 0, count: 1 }])),
  seconds: 1,
});

test("a measure meets its target or misses it, its limit included", () => {
  const target = { suite: "quest", cell: "quest 512 at 4096", measure: "kl", most: 0.02 };
  for (const [kl, met] of [
    [0.02, true],
    [0.0201, false],
  ] as const)
    expect(judge([row("quest", "quest 512 at 4096", { kl })], [target])).toEqual([
      { suite: "quest", cell: "quest 512 at 4096", measure: "kl", aim: "at most 0.02", value: kl, met },
    ]);
});

test("a target between two limits is missed on either side", () => {
  const target = { suite: "quest", cell: "paper", measure: "kl", least: 0.03, most: 0.06 };
  const met = [0.02, 0.04, 0.07].map((kl) => judge([row("quest", "paper", { kl })], [target])[0]?.met);
  expect(met).toEqual([false, true, false]);
});

test("a relative target is measured against the cell at the same context", () => {
  const rows = [
    row("passkey", "dense at 2048", { right: 0.8 }),
    row("passkey", "dense at 4096", { right: 0.5 }),
    row("passkey", "duo at 2048", { right: 0.8 }),
    row("passkey", "duo at 4096", { right: 0.4 }),
  ];
  const found = judge(rows, [{ suite: "passkey", cell: "duo at", measure: "right", least: 1, of: "dense at" }]);
  expect(found.map(({ cell, value, met }) => [cell, value, met])).toEqual([
    ["duo at 2048", 1, true],
    ["duo at 4096", 0.8, false],
  ]);
  expect(found[1]?.aim).toBe("at least 1 of dense at 4096");
});

test("what was not measured, or has nothing to be compared with, is not judged", () => {
  const relative = { suite: "passkey", cell: "duo at", measure: "right", least: 1, of: "dense at" };
  expect(judge([row("passkey", "duo at 2048", { right: 1 })], [relative])).toEqual([]);
  expect(judge([row("passkey", "duo at 2048", { right: 0 }), row("passkey", "dense at 2048", { right: 0 })], [relative])).toEqual([]);
  expect(judge([row("quest", "quest 512 at 2048", { top1: 1 })], [{ suite: "quest", cell: "quest 512", measure: "kl", most: 1 }])).toEqual(
    [],
  );
});
