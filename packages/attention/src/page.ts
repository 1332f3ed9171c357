/** Tokens in a page: one KV head of one layer. Fixed by the design; entries may name parts of pages, pages never change size. */
export const pageTokens = 16;

/** u32 words of a list entry: slot, position, count, rotation (shaders/lib/pages.wgsl). */
export const entryWords = 4;

/** u32 words of a head record: length, first, end, sinks, recent, from, and two that are 0 (shaders/lib/pages.wgsl). */
export const headWords = 8;

/** Bit of a slot: it lies among the closed pages of the pool. */
export const closedSlot = 0x8000_0000;

/**
 * How a page stores its tokens. Pages are written in the open form, at full precision; where a pool has a closed form too (quantised), a
 * page moves to it when its 16 tokens are there. Each form has page numbers of its own.
 */
export type PageForm = "open" | "closed";

/** A page that a head keeps: its number in the pool and the absolute position of its first token (a multiple of 16). */
export interface HeadPage {
  readonly page: number;
  readonly position: number;
  readonly form: PageForm;
}

/** What is constant about a model's cache. */
export interface CacheShape {
  layers: number;
  heads: number;
  kvHeads: number;
  /** E; a multiple of 8. */
  headSize: number;
}

/** Pages that hold `tokens` tokens of one head. */
export function pagesFor(tokens: number): number {
  return Math.ceil(tokens / pageTokens);
}

/** Slot of a page's first token, as list entries name it. */
export function slotOf({ page, form }: HeadPage): number {
  return form === "closed" ? page * pageTokens + closedSlot : page * pageTokens;
}
