import { LongtabError } from "@longtab/errors";
import type { Tokenizer } from "@longtab/tokenizer";
import type { BookText } from "./texts.ts";

/** A place in a book. */
export interface Scene {
  /** "Moby-Dick at 25%" */
  name: string;
  ids: Uint32Array;
}

/** More characters than a token has in any book. */
const charactersPerToken = 8;

/** `count` places of `tokens` tokens each, spread over the books. @throws LongtabError `invalid-option` where a text is too short. */
export function chooseScenes(tokenizer: Tokenizer, texts: readonly BookText[], count: number, tokens: number): Scene[] {
  return Array.from({ length: count }, (_, index) => {
    const { name, text } = texts[index % texts.length] ?? { name: "", text: "" };
    const share = (index + 0.5) / count;
    const last = Math.max(0, text.length - tokens * charactersPerToken);
    return { name: `${name} at ${Math.round(share * 100)}%`, ids: takeTokens(tokenizer, { name, text }, Math.floor(share * last), tokens) };
  });
}

/** The first `tokens` tokens from a character on, which is moved to the beginning of a line. */
export function takeTokens(tokenizer: Tokenizer, { name, text }: BookText, from: number, tokens: number): Uint32Array {
  const start = from === 0 ? 0 : text.indexOf("\n", from) + 1;
  const ids = tokenizer.encode(text.slice(start, start + tokens * charactersPerToken)).slice(0, tokens);
  if (ids.length === tokens) return ids;
  throw new LongtabError({
    code: "invalid-option",
    what: `The text ${name} is too short to be measured on`,
    value: `${ids.length} tokens`,
    limit: `${tokens} tokens`,
    remedy: "name a longer text with --text, or measure less with --small",
  });
}
