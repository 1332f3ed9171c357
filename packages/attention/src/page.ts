/** Tokens in a page: one KV head of one layer. Fixed by the design; entries may name parts of pages, pages never change size. */
export const pageTokens = 16;

/** u32 words of a list entry: slot, position, count, rotation (shaders/lib/pages.wgsl). */
export const entryWords = 4;

/** A page that a head keeps: its number in the pool and the absolute position of its first token (a multiple of 16). */
export interface HeadPage {
  readonly page: number;
  readonly position: number;
}

/** What is constant about a model's cache. */
export interface CacheShape {
  layers: number;
  heads: number;
  kvHeads: number;
  /** E; a multiple of 8. */
  headSize: number;
}
