import { expect, it } from "vitest";
import { meanTimes, medianTimes } from "./decode-profile.ts";

it("takes each part's median, longest first", () => {
  const step = (attention: number, product: number) => [
    { name: "attention", calls: 30, milliseconds: attention },
    { name: "product", calls: 121, milliseconds: product },
  ];
  expect(medianTimes([step(1, 9), step(3, 5), step(2, 100)])).toEqual([
    { name: "product", calls: 121, milliseconds: 9 },
    { name: "attention", calls: 30, milliseconds: 2 },
  ]);
});

it("counts a part that only some steps have where it is", () => {
  const parts = medianTimes([[{ name: "a", calls: 1, milliseconds: 4 }], [{ name: "b", calls: 2, milliseconds: 1 }]]);
  expect(parts.map(({ name, milliseconds }) => [name, milliseconds])).toEqual([
    ["a", 4],
    ["b", 1],
  ]);
  expect(medianTimes([])).toEqual([]);
});

it("shares out over all steps what only some of them do", () => {
  const every = { name: "attention", calls: 30, milliseconds: 2 };
  const steps = [[every, { name: "ranking", calls: 30, milliseconds: 8 }], [every], [every], [every]];
  expect(meanTimes(steps)).toEqual([every, { name: "ranking", calls: 7.5, milliseconds: 2 }]);
  expect(meanTimes([])).toEqual([]);
});
