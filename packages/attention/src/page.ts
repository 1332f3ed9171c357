/** Tokens in a page: one KV head of one layer. Fixed by the design; entries may name parts of pages, pages never change size. */
export const pageTokens = 16;

/** u32 words of a list entry: slot, position, count, rotation (shaders/lib/pages.wgsl). */
export const entryWords = 4;

/** u32 words of a head record: length, first, end, sinks, recent, from, 0, moved (shaders/lib/pages.wgsl). */
export const headWords = 8;

/** Bit of a slot: it lies among the closed pages of the pool. */
export const closedSlot = 0x8000_0000;

/** Bit of a slot: the page is away, and what lies at its number among the stubs is only what selection looks at. */
export const awaySlot = 0x4000_0000;

/**
 * How a page stores its tokens. Pages are written in the open form, at full precision; where a pool has a closed form too (quantised), a
 * page moves to it when its 16 tokens are there. Each form has page numbers of its own.
 */
export type PageForm = "open" | "closed";

/** A page that a head keeps: its number in the pool and the absolute position of its first token (a multiple of 16). */
export interface HeadPage {
  /** Of a page that is away the number of its stub. */
  readonly page: number;
  readonly position: number;
  readonly form: PageForm | "away";
  /** Of a page that was away and came back: it may go again, and what it holds is outside already. */
  readonly stub?: number;
}

/** A page whose keys and values are in the pool. */
export interface ResidentPage extends HeadPage {
  readonly form: PageForm;
}

export function isResident(page: HeadPage): page is ResidentPage {
  return page.form !== "away";
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

const slotBits: Readonly<Record<HeadPage["form"], number>> = { open: 0, closed: closedSlot, away: awaySlot };

/** Slot of a page's first token, as list entries name it. */
export function slotOf({ page, form }: HeadPage): number {
  return page * pageTokens + slotBits[form];
}
