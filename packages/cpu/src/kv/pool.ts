import { FreePages, pagesExceeded, pageTokens, wordsOfLayers } from "@longtab/attention";
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

/** The pages of one form, of the layers where they are of one size. */
interface FormPages {
  readonly bytes: number;
  readonly pages: FreePages;
  layers: number;
  /** Most of them: the budget. */
  most: number;
}

const pageForms: readonly PageForm[] = ["open", "closed"];

/**
 * The pages of all layers and heads in WASM memory, from one list of free ones for each form and size. A page's number is its address divided by
 * its size, so that the pool may grow by blocks anywhere in memory and a kernel needs nothing but the number.
 */
export class CpuPagePool implements PagePool<CpuTable> {
  readonly shape: CacheShape;
  readonly marks = new Set<{ dispose(): void }>();
  /** By layer. */
  readonly kinds: readonly PageKind[];
  /** What all layers' kinds have in common. */
  readonly closes: boolean;
  readonly boxes: boolean;
  readonly away: CpuAwayPages | undefined;
  readonly #heap: Heap;
  readonly #layers: readonly Readonly<Record<PageForm, FormPages>>[];
  readonly #forms: Readonly<Record<PageForm, readonly FormPages[]>>;
  #blocks: number[] = [];

  /**
   * Takes no memory yet; `budget`: most pages of each layer, which layers whose pages are of one size have together. `kinds`: of each layer. `away`:
   * where pages move, and how many stubs stay at most.
   */
  constructor(
    heap: Heap,
    shape: CacheShape,
    budget: readonly PageCounts[],
    kinds: readonly PageKind[],
    away?: { outside: OutsidePages; stubs: number },
  ) {
    this.shape = shape;
    this.kinds = kinds;
    this.closes = kinds.every(closes);
    this.boxes = kinds.every(summarises);
    this.#heap = heap;
    const bySize: Record<PageForm, Map<number, FormPages>> = { open: new Map(), closed: new Map() };
    this.#layers = kinds.map((kind, layer) => {
      const pagesOf = (form: PageForm): FormPages => {
        const bytes = pageBytes(shape, kind, form);
        const pages = bySize[form].get(bytes) ?? { bytes, pages: new FreePages(), layers: 0, most: 0 };
        bySize[form].set(bytes, pages);
        pages.layers++;
        pages.most += budget[layer]?.[form] ?? 0;
        return pages;
      };
      return { open: pagesOf("open"), closed: pagesOf("closed") };
    });
    this.#forms = { open: [...bySize.open.values()], closed: [...bySize.closed.values()] };
    this.away = away && new CpuAwayPages(heap, shape, away.stubs, away.outside, this);
  }

  /** Bytes allocated now. */
  get bytes(): number {
    return this.#sum(({ pages }) => pages.count) + (this.away?.bytes ?? 0);
  }

  get maxBytes(): number {
    return this.#sum(({ most }) => most);
  }

  /** What the bytes of pages mean. */
  get form(): CacheForm {
    const { layers, kvHeads, headSize } = this.shape;
    const words = this.kinds.map(({ precision, selectBy }) => {
      const complete = this.closes ? `, then ${precision}` : "";
      return `int16/int8${complete}${selectBy === undefined ? "" : `, selected by ${selectBy}`}`;
    });
    return {
      precision: wordsOfLayers(words),
      layers,
      kvHeads,
      headSize,
      blockTokens: pageTokens,
      pageBytes: {
        open: this.pageBytes(0, "open"),
        closed: this.kinds.map((_, layer) => (this.closes ? this.pageBytes(layer, "closed") : 0)),
      },
    };
  }

  pageBytes(layer: number, form: PageForm): number {
    return this.#at(layer, form).bytes;
  }

  /** The bytes of a page. A view that lasts until the memory grows. */
  page(layer: number, page: number, form: PageForm): Uint8Array<ArrayBuffer> {
    const bytes = this.pageBytes(layer, form);
    return this.#heap.u8(page * bytes, bytes);
  }

  async reserve(counts: PageCounts, layer?: number): Promise<void> {
    for (const form of pageForms) {
      if (layer !== undefined) this.#reserve(this.#at(layer, form), counts[form]);
      else for (const pages of this.#forms[form]) this.#reserve(pages, counts[form] * pages.layers);
    }
  }

  allocate(layer: number, form: PageForm): number {
    return this.#at(layer, form).pages.allocate();
  }

  retain(layer: number, page: number, form: PageForm): void {
    this.#at(layer, form).pages.retain(page);
  }

  release(layer: number, page: number, form: PageForm): void {
    this.#at(layer, form).pages.release(page);
  }

  shared(layer: number, page: number, form: PageForm): boolean {
    return this.#at(layer, form).pages.shared(page);
  }

  copy(layer: number, from: number, to: number): void {
    this.page(layer, to, "open").set(this.page(layer, from, "open"));
  }

  createTable(_label: string, wordsPerLayer: number): CpuTable {
    return new CpuTable(this.#heap, this.shape.layers, wordsPerLayer);
  }

  dispose(): void {
    for (const block of this.#blocks.splice(0)) this.#heap.free(block);
    this.away?.dispose();
  }

  #sum(count: (pages: FormPages) => number): number {
    const all = [...this.#forms.open, ...this.#forms.closed];
    return all.reduce((sum, pages) => sum + count(pages) * pages.bytes, 0);
  }

  #at(layer: number, form: PageForm): FormPages {
    const pages = this.#layers[layer]?.[form];
    if (!pages) throw new RangeError(`no layer ${layer}`);
    return pages;
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
