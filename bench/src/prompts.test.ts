import { BytesSource, parseGguf } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { Tokenizer } from "@longtab/tokenizer";
import { describe, expect, it } from "vitest";
import { createPrompt } from "./prompts.ts";

const { metadata } = await parseGguf(new BytesSource(tinyModel()));
const tokenizer = Tokenizer.fromMetadata(metadata);

describe("createPrompt", () => {
  it.each([1, 7, 128, 3000])("has exactly %i tokens, in ids and in words", (tokens) => {
    const { ids, text } = createPrompt(tokenizer, tokens);
    expect(ids).toHaveLength(tokens);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  it("begins differently for every length, so that nothing of one is reused for another", () => {
    const [short, long] = [createPrompt(tokenizer, 128), createPrompt(tokenizer, 1024)];
    const common = short.ids.findIndex((id, index) => id !== long.ids[index]);
    expect(common).toBeGreaterThanOrEqual(0);
    expect(common).toBeLessThan(3);
  });
});
