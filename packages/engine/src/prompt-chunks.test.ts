import { expect, test } from "vitest";
import { chunkSize } from "./prompt-chunks.ts";

const chunks = { seconds: 0.1, first: 64, smallest: 16, most: 256 };

function sizes(tokens: number, rate: number | undefined, apart = 0): number[] {
  const found: number[] = [];
  for (let left = tokens; left > 0; left -= found.at(-1) ?? left) found.push(chunkSize(chunks, rate, left, apart));
  return found;
}

test("steps take about as long as they should", () => {
  expect(sizes(200, 480)).toEqual([48, 48, 48, 48, 8]);
  expect(sizes(600, 1e6)).toEqual([256, 256, 88]);
  expect(sizes(40, 1)).toEqual([16, 16, 8]);
  expect(sizes(100, undefined)).toEqual([64, 36]);
});

test("no row is left over for a step of its own", () => {
  expect(sizes(65, undefined)).toEqual([63, 2]);
  for (let tokens = 2; tokens < 600; tokens++) expect(sizes(tokens, 480)).not.toContain(1);
  expect(sizes(1, 480)).toEqual([1]);
});

test("the last rows that reach further have steps of their own", () => {
  expect(sizes(52, undefined, 3)).toEqual([49, 1, 1, 1]);
  expect(sizes(4, undefined, 3)).toEqual([1, 1, 1, 1]);
});
