import { expect, it } from "vitest";
import { fitQuestion, questionAbout } from "./question.ts";

const text = Array.from({ length: 500 }, (_, index) => `word${index}`).join(" ");
const countWords = (question: string): number => question.split(/\s+/).length;

it("takes the whole text where it fits", async () => {
  expect(await fitQuestion(text, 1000, countWords)).toBe(questionAbout(text));
});

it.each([20, 128, 499])("takes the beginning of the text that fits %i tokens, to a few", async (tokens) => {
  const question = await fitQuestion(text, tokens, async (asked) => countWords(asked));
  expect(question.startsWith("word0 word1 ")).toBe(true);
  expect(countWords(question)).toBeLessThanOrEqual(tokens);
  expect(countWords(question)).toBeGreaterThan(tokens - 10);
});

it("asks about one word where even that is too long", async () => {
  expect(await fitQuestion(text, 1, countWords)).toBe(questionAbout("word0"));
});
