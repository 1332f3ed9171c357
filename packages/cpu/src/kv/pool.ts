import { FreePages, pagesExceeded, pageTokens } from "@longtab/attention";
import type { CacheShape, PageCounts, PageForm, PagePool } from "@longtab/attention";
import type { OutsidePages } from "@longtab/attention/away";
import type { CacheForm } from "@longtab/engine";
import type { Heap } from "../heap.ts";
import { CpuAwayPages } from "./away.ts";
import { closes, pageBytes, summarises } from "./page.ts";
import type { PageKind } from "./page.ts";
import { CpuTable } from "./table.ts";

/** Pages that the pool grows by at least. */
const blockPages = 256;

/** The pages of one form. */
interface FormPages {
  readonly bytes: number;
  /** Most of them: the budget. */
  readonly most: number;
  readonly pages: FreePages;
}

/**
 * The pages of all layers and heads in WASM memory, from one list of free ones for each form. A page's number is its address divided by its
 * size, so that the pool may grow by blocks anywhere in memory and a kernel needs nothing but the number.
 */
export class CpuPagePool implements PagePool<CpuTable> {
  readonly shape: CacheShape;
  readonly marks = new Set<{ dispose(): void }>();
  readonly kind: PageKind;
  readonly away: CpuAwayPages | undefined;
  readonly #heap: Heap;
  readonly #forms: Readonly<Record<PageForm, FormPages>>;
  #blocks: number[] = [];

  /** Takes no memory yet; `budget`: most pages of all layers and timelines together. `away`: where pages move, and how many stubs stay at most. */
  constructor(
    heap: Heap,
    shape: CacheShape,
    budget: PageCounts,
    kind: PageKind = { precision: "f16" },
    away?: { outside: OutsidePages; stubs: number },
  ) {
    this.shape = shape;
    this.kind = kind;
    this.#heap = heap;
    const form = (name: PageForm): FormPages => ({ bytes: pageBytes(shape, kind, name), most: budget[name], pages: new FreePages() });
    this.#forms = { open: form("open"), closed: form("closed") };
    this.away = away && new CpuAwayPages(heap, shape, kind, away.stubs, away.outside, this);
  }

  get closes(): boolean {
    return closes(this.kind);
  }

  get boxes(): boolean {
    return summarises(this.kind);
  }

  /** Bytes allocated now. */
  get bytes(): number {
    return Object.values(this.#forms).reduce((sum, { bytes, pages }) => sum + pages.count * bytes, this.away?.bytes ?? 0);
  }

  get maxBytes(): number {
    return Object.values(this.#forms).reduce((sum, { bytes, most }) => sum + most * bytes, 0);
  }

  /** What the bytes of pages mean. */
  get form(): CacheForm {
    const { layers, kvHeads, headSize } = this.shape;
    const { precision, selectBy } = this.kind;
    const complete = this.closes ? `, then ${precision}` : "";
    return {
      precision: `int16/int8${complete}${selectBy === undefined ? "" : `, selected by ${selectBy}`}`,
      layers,
      kvHeads,
      headSize,
      blockTokens: pageTokens,
      pageBytes: { open: this.pageBytes("open"), closed: this.closes ? this.pageBytes("closed") : 0 },
    };
  }

  pageBytes(form: PageForm): number {
    return this.#forms[form].bytes;
  }

  /** The bytes of a page. A view that lasts until the memory grows. */
  page(page: number, form: PageForm): Uint8Array<ArrayBuffer> {
    const { bytes } = this.#forms[form];
    return this.#heap.u8(page * bytes, bytes);
  }

  async reserve(counts: PageCounts, layer?: number): Promise<void> {
    const layers = layer === undefined ? this.shape.layers : 1;
    for (const form of ["open", "closed"] as const) this.#reserve(this.#forms[form], counts[form] * layers);
  }

  allocate(_layer: number, form: PageForm): number {
    return this.#forms[form].pages.allocate();
  }

  retain(_layer: number, page: number, form: PageForm): void {
    this.#forms[form].pages.retain(page);
  }

  release(_layer: number, page: number, form: PageForm): void {
    this.#forms[form].pages.release(page);
  }

  shared(_layer: number, page: number, form: PageForm): boolean {
    return this.#forms[form].pages.shared(page);
  }

  copy(_layer: number, from: number, to: number): void {
    this.page(to, "open").set(this.page(from, "open"));
  }

  createTable(_label: string, wordsPerLayer: number): CpuTable {
    return new CpuTable(this.#heap, this.shape.layers, wordsPerLayer);
  }

  dispose(): void {
    for (const block of this.#blocks.splice(0)) this.#heap.free(block);
    this.away?.dispose();
  }

  #reserve({ bytes, most, pages }: FormPages, count: number): void {
    const needed = pages.used + count;
    const missing = needed - pages.count;
    if (missing <= 0) return;
    if (needed > most) throw pagesExceeded(needed, most);
    const length = Math.min(Math.max(missing, blockPages), most - pages.count);
    const block = this.#heap.allocate(length * bytes, bytes);
    this.#blocks.push(block);
    const first = block / bytes;
    pages.add(Array.from({ length }, (_, index) => first + index));
  }
}
