import { expect, test } from "vitest";
import { promptRows } from "../src/prompt-rows.ts";

function steps(position: number, tokens: number, apart = 0, most = 64): number[] {
  const found: number[] = [];
  for (let done = 0; done < tokens; done += found.at(-1) ?? tokens) found.push(promptRows(position + done, tokens - done, apart, most));
  return found;
}

test("steps end at multiples of the most rows of a step, wherever the prompt begins", () => {
  expect(steps(0, 200)).toEqual([64, 64, 64, 8]);
  expect(steps(40, 100)).toEqual([24, 64, 12]);
  expect(steps(63, 100)).toEqual([33, 32, 35]);
});

test("no row is left over for a step of its own", () => {
  for (const most of [8, 64])
    for (let position = 0; position < 130; position++)
      for (let tokens = 2; tokens < 200; tokens++) {
        const found = steps(position, tokens, 0, most);
        expect(found).not.toContain(1);
        expect(Math.max(...found)).toBeLessThanOrEqual(most);
      }
  expect(steps(5, 1)).toEqual([1]);
});

test("the last rows that reach further have steps of their own", () => {
  expect(steps(0, 52, 3)).toEqual([49, 1, 1, 1]);
  expect(steps(0, 4, 3)).toEqual([1, 1, 1, 1]);
});
