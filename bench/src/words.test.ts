import { expect, it } from "vitest";
import { randomSentences } from "./words.ts";

function take(seed: number, count: number): string[] {
  const sentences = randomSentences(seed);
  return Array.from({ length: count }, () => sentences.next().value);
}

it("makes the same sentences of the same seed, others of another", () => {
  expect(take(1, 20)).toEqual(take(1, 20));
  expect(take(1, 20)).not.toEqual(take(2, 20));
});

it("says no four words twice in 4096 tokens and more", () => {
  const words = take(128, 700).join(" ").split(" ");
  const runs = words.map((_, index) => words.slice(index, index + 4).join(" "));
  expect(words.length).toBeGreaterThan(4096);
  expect(new Set(runs).size).toBe(runs.length);
});
