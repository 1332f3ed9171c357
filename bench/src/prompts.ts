import type { Tokenizer } from "@longtab/tokenizer";

/** The same tokens for everyone who takes ids, the same words for everyone who takes text. */
export interface Prompt {
  tokens: number;
  ids: number[];
  text: string;
}

/** Speed does not depend on what the words say, only on their number. */
const sentences = [
  "The ferry left before the fog had lifted, with nine passengers and a crate of oranges.",
  "Nobody in the village could remember a winter in which the lake stayed open.",
  "She repaired the clock twice, and twice it stopped at the same minute.",
  "A letter came from the coast; it smelled of salt and said almost nothing.",
  "The baker counted his loaves, then counted them again by candlelight.",
  "Between the two hills lay a road that the maps had forgotten.",
  "They planted the orchard in rows, as their grandparents had done.",
  "At noon the market was quiet, because everyone had gone to watch the kites.",
  "He kept the keys in a tin box, together with buttons, string and a compass.",
  "When the rain ended, the children walked along the wall and named the puddles.",
];

/** Prose of exactly `tokens` tokens. Prompts of different lengths differ from their first number on, so that no cache of prefixes helps. */
export function createPrompt(tokenizer: Tokenizer, tokens: number): Prompt {
  let text = `${tokens} pages of a diary.`;
  let ids = tokenizer.encode(text);
  for (let day = 1; ids.length < tokens; day++) {
    text += ` Day ${day}. ${sentences[day % sentences.length]}`;
    // Encoding is linear: once per sentence is little even for long prompts.
    ids = tokenizer.encode(text);
  }
  const first = ids.subarray(0, tokens);
  return { tokens, ids: [...first], text: tokenizer.decode(first) };
}
