import type { Tokenizer } from "@longtab/tokenizer";
import { randomSentences } from "./words.ts";

/** The same tokens for everyone who takes ids, the same words for everyone who takes text. */
export interface Prompt {
  tokens: number;
  ids: number[];
  text: string;
}

/**
 * A text of exactly `tokens` tokens. Prompts of different lengths differ from their first number on, so that no cache of prefixes helps; nothing
 * in them repeats itself, so that drafts do not help either.
 */
export function createPrompt(tokenizer: Tokenizer, tokens: number): Prompt {
  let text = `${tokens} tokens of words.`;
  let ids = tokenizer.encode(text);
  // To encode the whole text with every sentence would be quadratic: each is counted by itself, and the sum checked when it is enough.
  let counted = ids.length;
  for (const sentence of randomSentences(tokens)) {
    if (counted >= tokens) counted = (ids = tokenizer.encode(text)).length;
    if (counted >= tokens) break;
    text += ` ${sentence}`;
    counted += tokenizer.encode(` ${sentence}`).length;
  }
  const first = ids.subarray(0, tokens);
  return { tokens, ids: [...first], text: tokenizer.decode(first) };
}
