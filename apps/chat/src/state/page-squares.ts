import type { CachePart, Kind } from "./cache-parts.ts";

/** A picture of what the model has of a conversation: squares of so many tokens each, in the order of the parts. */
export interface PageSquares {
  tokensEach: number;
  squares: Kind[];
}

/** A page of the cache; a square is never less. */
const PAGE_TOKENS = 16;

/** At most `most` squares; a part that is there has one at least, whatever its share. */
export function squaresOf(parts: readonly CachePart[], most: number): PageSquares {
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  // So few that the parts' roundings up stay within the most.
  const room = Math.max(1, most - parts.length);
  const tokensEach = roundUp(Math.max(PAGE_TOKENS, tokens / room));
  const squares = parts.flatMap(({ kind, tokens: of }) => Array.from({ length: Math.max(1, Math.round(of / tokensEach)) }, () => kind));
  return { tokensEach, squares };
}

/** To a power of two: a number that people of this trade can take in. */
function roundUp(tokens: number): number {
  return 2 ** Math.ceil(Math.log2(tokens));
}
