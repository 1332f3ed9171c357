import { expect, test } from "vitest";
import { makeRows } from "./measures.ts";
import type { Part } from "./parts.ts";

const part = (suite: string, cell: string, scene: string, values: Record<string, number[]>): Part => ({
  suite,
  cell,
  scene,
  values,
  seconds: 1,
});

test("tokens of all scenes of a cell are one sample", () => {
  const parts = [
    part("quest", "a", "one", { kl: [1, 2] }),
    part("quest", "a", "two", { kl: [3, 6] }),
    part("quest", "b", "one", { kl: [9] }),
  ];
  const [row] = makeRows(parts, [{ suite: "quest", cell: "a" }], 8192, 1024);
  expect(row?.measures["kl"]).toMatchObject({ mean: 3, count: 4 });
  expect(row?.measures["kl p99"]?.mean).toBe(6);
  expect(row?.seconds).toBe(2);
});

test("cells that were not measured have no row", () => {
  expect(makeRows([], [{ suite: "quest", cell: "a" }], 8192, 1024)).toEqual([]);
});

test("cells that only an earlier run had follow the others", () => {
  const parts = [part("quest", "old", "one", { kl: [1] }), part("quest", "new", "one", { kl: [2] })];
  expect(makeRows(parts, [{ suite: "quest", cell: "new" }], 8192, 1024).map(({ cell: name }) => name)).toEqual(["new", "old"]);
});

/** Two windows inside the trained window, ten past it. */
const windows = (inside: number, past: readonly number[]): number[] => [inside, inside, ...past];
const flat = Array.from({ length: 10 }, () => 2);
const pages = Array.from({ length: 12 }, () => 90);
const cell = { suite: "streaming", cell: "S 4, R 508" };

test("a drift is the worst mean of eight windows, above the mean inside", () => {
  const risen = [2, 2, 2, 2, 2, 2, 2, 2, 2.8, 2.8];
  const [row] = makeRows([part("streaming", "S 4, R 508", "x", { nll: windows(2, risen), pages })], [cell], 2048, 1024);
  expect(row?.measures["drift"]?.mean).toBeCloseTo(0.2, 12);
  expect(row?.measures["growth"]?.mean).toBe(0);
});

test("where every turn was measured, a text that is harder in one place drifts by nothing", () => {
  const losses = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6];
  const turns = Array.from({ length: 6 }, (_, turn) => [...losses.slice(2 * turn), ...losses.slice(0, 2 * turn)]);
  const added = turns.map((turn) => turn.map((nll, window) => nll + (window < 2 ? 0 : 0.1)));
  const parts = added.map((nll, turn) => part("streaming", "S 4, R 508", `turn ${turn}`, { nll, pages }));
  const [row] = makeRows(parts, [cell], 2048, 1024);
  expect(row?.measures["drift"]?.mean).toBeCloseTo(0.1, 12);
  expect(row?.measures["nll past"]?.count).toBe(60);
});

test("memory that grew in one turn is told", () => {
  const grown = [...pages.slice(0, -1), 91];
  const parts = [pages, grown].map((used, turn) => part("streaming", "S 4, R 508", `turn ${turn}`, { nll: windows(2, flat), pages: used }));
  expect(makeRows(parts, [cell], 2048, 1024)[0]?.measures["growth"]?.mean).toBe(1);
});

test("what sinks are worth, and what streaming costs, is told window by window of the same text", () => {
  const parts = [
    part("streaming", "dense", "y", { nll: [1.9, 1.9], pages: [9, 9] }),
    part("streaming", "S 4, R 508", "x", { nll: windows(2, flat), pages }),
    part("streaming", "S 0, R 508", "x", {
      nll: windows(
        3,
        flat.map((nll) => nll + 0.5),
      ),
      pages,
    }),
  ];
  const [sinks, none] = makeRows(parts, [cell, { suite: "streaming", cell: "S 0, R 508" }], 2048, 1024);
  expect(sinks?.measures["cost inside"]?.mean).toBeCloseTo(0.1, 12);
  expect(none?.measures["above S 4"]).toMatchObject({ count: 10 });
  expect(none?.measures["above S 4"]?.mean).toBeCloseTo(0.5, 12);
});
