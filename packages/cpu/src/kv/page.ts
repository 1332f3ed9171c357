import { entryWords, headWords, pageTokens, pagesFor } from "@longtab/attention";
import type { CacheShape, LayerPrecision, PageCounts, PageForm, Selection } from "@longtab/attention";
import type { Kernels } from "../kernels.ts";
import { maxStepTokens } from "../scratch.ts";

/** What the pages of a layer are: assembly/pages.ts. Those of a cache's layers differ in the bits of complete pages at most, which are closed in all or in none. */
export interface PageKind {
  precision: LayerPrecision;
  /** What complete pages have for selection: the ranges of their keys, or boxes of runs of 4, 8 or 16 tokens; left out where nothing selects. */
  selectBy?: "ranges" | 4 | 8 | 16 | undefined;
}

/** The pages of each layer: of its precision, and with what a policy's selection needs. */
export function pageKinds(precisions: readonly LayerPrecision[], selection: Selection | undefined): PageKind[] {
  return precisions.map((precision) => ({ precision, selectBy: selectsBy(selection) }));
}

/**
 * What selection goes by. Ranges and then the keys themselves select better than boxes of any run length; quantised
 * pages have ranges anyway. Only the rule of the Quest paper, pages of 16 tokens by their plain bounds, has boxes.
 */
export function selectsBy(selection: Selection | undefined): PageKind["selectBy"] {
  return selection && (selection.runTokens === pageTokens ? pageTokens : "ranges");
}

/** Pages begin at lines of the processor's cache. */
const line = 64;

/** Bits of the keys and values of complete pages; keys of 16 bits are those of open pages. */
const bits: Readonly<Record<LayerPrecision, { keys: 16 | 8 | 4; values: 8 | 4 }>> = {
  f16: { keys: 16, values: 8 },
  kv8: { keys: 8, values: 8 },
  k8v4: { keys: 8, values: 4 },
  kv4: { keys: 4, values: 4 },
};

export function closes({ precision }: PageKind): boolean {
  return bits[precision].keys < 16;
}

/** Tells the kernels what the pages are that they meet next. */
export function setPages(kernels: Kernels, { headSize }: Pick<CacheShape, "headSize">, kind: PageKind): void {
  const { keys, values } = bits[kind.precision];
  const boxTokens = boxTokensOf(kind);
  // Half-way from the mean of few keys to their bounds is best; the paper's bounds are those of all 16.
  kernels.setPages(headSize, keys, values, boxTokens, boxTokens === pageTokens ? 1 : 0.5, Number(kind.selectBy === "ranges"));
}

function boxTokensOf({ selectBy }: PageKind): number {
  return typeof selectBy === "number" ? selectBy : 0;
}

/** Whether something must be made of complete pages that stay as they are. */
export function summarises(kind: PageKind): boolean {
  return boxTokensOf(kind) > 0 || (kind.selectBy !== undefined && !closes(kind));
}

/** Bytes of a page with all that belongs to it: scales, and ranges or boxes. */
export function pageBytes({ headSize }: Pick<CacheShape, "headSize">, kind: PageKind, form: PageForm): number {
  const { keys, values } = bits[kind.precision];
  const boxTokens = boxTokensOf(kind);
  const boxes = boxTokens > 0 ? (pageTokens / boxTokens) * (headSize + 16) : 0;
  const ranges = 4 * headSize + 16;
  const bytes =
    form === "open"
      ? pageTokens * (3 * headSize + 8) + (closes(kind) ? 0 : kind.selectBy === "ranges" ? ranges : boxes)
      : (pageTokens / 8) * headSize * (keys + values) + ranges + 5 * pageTokens + boxes;
  return Math.ceil(bytes / line) * line;
}

/** Bytes of what is left of a page that is away: its ranges. */
export function stubBytes({ headSize }: Pick<CacheShape, "headSize">): number {
  return 4 * headSize + 16;
}

/** Bytes of a complete page. */
export function completeBytes(shape: Pick<CacheShape, "headSize">, kind: PageKind): number {
  return pageBytes(shape, kind, closes(kind) ? "closed" : "open");
}

/** Where the ranges of a complete page of a form begin. */
export function rangesOffset({ headSize }: Pick<CacheShape, "headSize">, { precision }: PageKind, form: PageForm): number {
  const { keys, values } = bits[precision];
  return form === "open" ? pageTokens * (3 * headSize + 8) : (pageTokens / 8) * headSize * (keys + values);
}

/** Bytes of so many pages of each layer. */
export function pagesBytes(shape: CacheShape, counts: readonly PageCounts[], kinds: readonly PageKind[]): number {
  return kinds.reduce((sum, kind, layer) => {
    const { open, closed } = counts[layer] ?? { open: 0, closed: 0 };
    return sum + open * pageBytes(shape, kind, "open") + closed * pageBytes(shape, kind, "closed");
  }, 0);
}

/** Bytes of a timeline's tables: lists of up to `capacity` entries, head records, slots of a step of many tokens and of one, and closings. */
export function tableBytes({ layers, kvHeads }: CacheShape, capacity: number): number {
  const list = Math.ceil(capacity / pageTokens) * pageTokens * entryWords;
  return layers * kvHeads * (list + headWords + maxStepTokens + 1 + 2 * (pagesFor(maxStepTokens) + 1)) * 4;
}
