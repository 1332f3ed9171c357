import { mappedPrecisions } from "@longtab/attention";
import type { MappedPrecision } from "@longtab/attention";
import { expect, test } from "vitest";
import { choosePrecision, precisionBits } from "./choose-precision.ts";
import { SeededRandom } from "./random.ts";

type Costs = Record<MappedPrecision, number>;

const lossOf = (costs: readonly Costs[], chosen: readonly MappedPrecision[]): number =>
  chosen.reduce((sum, precision, layer) => sum + (costs[layer]?.[precision] ?? NaN), 0);
const bitsOf = (chosen: readonly MappedPrecision[]): number =>
  chosen.reduce((sum, precision) => sum + precisionBits[precision], 0) / chosen.length;

/** All ways to store so many layers. */
function everyChoice(layers: number): MappedPrecision[][] {
  const count = mappedPrecisions.length;
  return Array.from({ length: count ** layers }, (_, number) =>
    Array.from({ length: layers }, (__, layer) => mappedPrecisions[Math.floor(number / count ** layer) % count] ?? "kv8"),
  );
}

/** Some layers lose more by their keys, some by their values. */
function seededCosts(seed: number, layers: number): Costs[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: layers }, () => {
    const values = random.next() ** 3;
    return { kv8: 0, k8v4: values, kv4: values + random.next() ** 3 };
  });
}

test("layers lose no more than with any other choice of as few bits", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const costs = seededCosts(seed, 5);
    for (const bits of [7.6, 6, 5.2, 4]) {
      const chosen = choosePrecision(costs, bits);
      expect(bitsOf(chosen)).toBeLessThanOrEqual(bits);
      const best = Math.min(
        ...everyChoice(5)
          .filter((other) => bitsOf(other) <= bits)
          .map((other) => lossOf(costs, other)),
      );
      expect(lossOf(costs, chosen)).toBeCloseTo(best, 12);
    }
  }
});

test("bits that are left over for no layer stay so", () => {
  const costs: Costs[] = [
    { kv8: 0, k8v4: 3, kv4: 3.1 },
    { kv8: 0, k8v4: 1, kv4: 4 },
  ];
  expect(choosePrecision(costs, 6)).toEqual(["kv4", "kv8"]);
  expect(choosePrecision(costs, 6.9)).toEqual(["kv4", "kv8"]);
  expect(choosePrecision(costs, 7)).toEqual(["kv8", "k8v4"]);
  expect(choosePrecision(costs, 8)).toEqual(["kv8", "kv8"]);
  expect(choosePrecision(costs, 4)).toEqual(["kv4", "kv4"]);
});
