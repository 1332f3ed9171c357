import { entryWords, headWords, pageTokens, pagesFor as pagesOf } from "@longtab/attention";
import type { CacheShape } from "@longtab/attention";
import { maxStepTokens } from "../scratch.ts";

/** Bytes of a page: int16 keys and int8 values of 16 tokens with an f32 scale for each token's keys and values (assembly/pages.ts). */
export function pageBytes({ headSize }: CacheShape): number {
  return pageTokens * (3 * headSize + 8);
}

/** Pages that `tokens` tokens take when every head keeps them. */
export function pagesFor({ layers, kvHeads }: CacheShape, tokens: number): number {
  return layers * kvHeads * Math.ceil(tokens / pageTokens);
}

/** Bytes of the pages of `tokens` tokens. */
export function cacheBytes(shape: CacheShape, tokens: number): number {
  return pagesFor(shape, tokens) * pageBytes(shape);
}

/** Bytes of a timeline's tables: lists of up to `capacity` entries, their lengths, and the slots of a step of many tokens and of one. */
export function tableBytes({ layers, kvHeads }: CacheShape, capacity: number): number {
  const list = Math.ceil(capacity / pageTokens) * pageTokens * entryWords;
  return layers * kvHeads * (list + headWords + maxStepTokens + 1 + 2 * (pagesOf(maxStepTokens) + 1)) * 4;
}
