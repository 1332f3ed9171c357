import { expect, test } from "vitest";
import { groupByAge } from "./conversation-groups.ts";

const at = (...parts: [number, number, number, number, number]) => new Date(...parts).getTime();
const now = at(2026, 4, 20, 0, 30);

test("conversations are grouped by calendar days, in the order they came, without empty groups", () => {
  const summaries = [
    { id: "a", title: "", updatedAt: at(2026, 4, 20, 0, 1) },
    { id: "b", title: "", updatedAt: at(2026, 4, 19, 23, 59) },
    { id: "c", title: "", updatedAt: at(2026, 4, 19, 0, 1) },
    { id: "d", title: "", updatedAt: at(2024, 0, 1, 0, 0) },
  ];
  expect(groupByAge(summaries, now).map(({ name, items }) => [name, items.map(({ id }) => id).join("")])).toEqual([
    ["Today", "a"],
    ["Yesterday", "bc"],
    ["Earlier", "d"],
  ]);
});

test("no conversations make no groups", () => {
  expect(groupByAge([], now)).toEqual([]);
});
