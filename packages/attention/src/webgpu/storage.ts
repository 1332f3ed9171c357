import { pageTokens } from "../page.ts";
import type { CacheShape, PageForm } from "../page.ts";
import type { PageCounts } from "../pool.ts";
import { layerPrecisions } from "../precision.ts";
import type { LayerPrecision, PrecisionOptions } from "../precision.ts";

/** How the pages of a layer are stored. Layers of a cache differ in the bits of complete pages at most, and complete pages are closed in all of them or in none. */
export interface PageStorage {
  /** Bits of a key and of a value of a complete page. 16: in the open form, and only the boxes are stored beside them. */
  keyBits: 16 | 8 | 4;
  valueBits: 16 | 8 | 4;
  /** Runs of a page that selection tells apart; 0 where nothing selects. */
  boxRuns: 0 | 1 | 2 | 4;
  /** Share of a box's width that is kept about the mean of its run. */
  shrink: number;
}

const bitsOf: Record<LayerPrecision, Pick<PageStorage, "keyBits" | "valueBits">> = {
  f16: { keyBits: 16, valueBits: 16 },
  kv8: { keyBits: 8, valueBits: 8 },
  k8v4: { keyBits: 8, valueBits: 4 },
  kv4: { keyBits: 4, valueBits: 4 },
};

const boxesOf = {
  4: { boxRuns: 4, shrink: 0.5 },
  8: { boxRuns: 2, shrink: 0.5 },
  // The rule of the Quest paper.
  16: { boxRuns: 1, shrink: 1 },
} as const;

/** `runTokens`: tokens of the runs that a policy selects. */
export function storageOf(precision: LayerPrecision, runTokens?: 4 | 8 | 16): PageStorage {
  return { ...bitsOf[precision], ...(runTokens ? boxesOf[runTokens] : { boxRuns: 0, shrink: 1 }) };
}

/** Of each of so many layers. */
export function storagesOf(options: PrecisionOptions, layers: number, runTokens?: 4 | 8 | 16): PageStorage[] {
  return layerPrecisions(options, layers).map((precision) => storageOf(precision, runTokens));
}

/** Whether complete pages move to the closed form. */
export function closes({ keyBits }: PageStorage): boolean {
  return keyBits < 16;
}

/** Bytes of one open page's keys, and again of its values: [16, E] in f16. */
export function openBytes({ headSize }: Pick<CacheShape, "headSize">): number {
  return pageTokens * headSize * 2;
}

/** Bytes of a complete page's record (shaders/lib/closed_page.wgsl): what its channels mean, its boxes, its codes; 0 where there is none. */
export function recordBytes({ headSize }: Pick<CacheShape, "headSize">, { keyBits, valueBits, boxRuns }: PageStorage): number {
  if (keyBits === 16 && boxRuns === 0) return 0;
  const boxes = boxesBytes(headSize, boxRuns);
  const codes = keyBits < 16 ? (pageTokens * headSize * (keyBits + valueBits)) / 8 + pageTokens * 4 : 0;
  return 16 + headSize * 2 + boxes + codes;
}

/** Bytes of what is left of a page that is away: its record up to the codes. */
export function stubBytes({ headSize }: Pick<CacheShape, "headSize">, { boxRuns }: PageStorage): number {
  return 16 + headSize * 2 + boxesBytes(headSize, boxRuns);
}

/** Stubs that have room in the place of a record; 1 where there is none, nor stubs. */
export function stubsInRecord(shape: Pick<CacheShape, "headSize">, storage: PageStorage): number {
  return Math.max(1, Math.floor(recordBytes(shape, storage) / stubBytes(shape, storage)));
}

function boxesBytes(headSize: number, boxRuns: number): number {
  return Math.ceil((headSize * boxRuns) / 16) * 16;
}

/** Bytes of a page of each form: keys, values, and what is stored beside them. */
export function pageBytes(shape: Pick<CacheShape, "headSize">, storage: PageStorage): Record<PageForm, number> {
  const record = recordBytes(shape, storage);
  const open = 2 * openBytes(shape);
  return closes(storage) ? { open, closed: record } : { open: open + record, closed: 0 };
}

/** Bytes of so many pages of each layer. */
export function pagesBytes(
  shape: CacheShape,
  storages: readonly PageStorage[],
  countsOf: (layer: number) => PageCounts | undefined,
): number {
  return storages.reduce((sum, storage, layer) => {
    const bytes = pageBytes(shape, storage);
    const { open = 0, closed = 0 } = countsOf(layer) ?? {};
    return sum + open * bytes.open + closed * bytes.closed;
  }, 0);
}

/** Bytes of the largest record of any layer. */
export function largestRecord(shape: CacheShape, storages: readonly PageStorage[]): number {
  return Math.max(...storages.map((storage) => recordBytes(shape, storage)));
}
