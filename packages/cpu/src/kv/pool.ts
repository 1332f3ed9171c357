import { FreePages, pagesExceeded, pageTokens } from "@longtab/attention";
import type { CacheShape, PageCounts, PagePool } from "@longtab/attention";
import type { CacheForm } from "@longtab/engine";
import type { Heap } from "../heap.ts";
import { pageBytes, pagesFor } from "./page.ts";
import { CpuTable } from "./table.ts";

/** Pages that the pool grows by at least. */
const blockPages = 256;

/**
 * The pages of all layers and heads in WASM memory, from one list of free ones. A page's number is its address divided by its size, so
 * that the pool may grow by blocks anywhere in memory and a kernel needs nothing but the number.
 */
export class CpuPagePool implements PagePool<CpuTable> {
  readonly shape: CacheShape;
  readonly closes = false;
  readonly boxes = false;
  /** Most pages of all layers together: the budget. */
  readonly maxPages: number;
  readonly pageBytes: number;
  #heap: Heap;
  #pages = new FreePages();
  #blocks: number[] = [];

  /** Takes no memory yet; `contextLength`: tokens that all timelines together may hold. */
  constructor(heap: Heap, shape: CacheShape, contextLength: number) {
    this.shape = shape;
    this.maxPages = pagesFor(shape, contextLength);
    this.pageBytes = pageBytes(shape);
    this.#heap = heap;
  }

  /** Bytes allocated now. */
  get bytes(): number {
    return this.#pages.count * this.pageBytes;
  }

  get maxBytes(): number {
    return this.maxPages * this.pageBytes;
  }

  /** What the bytes of `page` mean. */
  get form(): CacheForm {
    const { layers, kvHeads, headSize } = this.shape;
    return { precision: "int16/int8", layers, kvHeads, headSize, blockTokens: pageTokens, blockBytes: layers * kvHeads * this.pageBytes };
  }

  /** The bytes of a page. A view that lasts until the memory grows. */
  page(page: number): Uint8Array<ArrayBuffer> {
    return this.#heap.u8(page * this.pageBytes, this.pageBytes);
  }

  async reserve({ open }: PageCounts): Promise<void> {
    const needed = this.#pages.used + open * this.shape.layers;
    const missing = needed - this.#pages.count;
    if (missing <= 0) return;
    if (needed > this.maxPages) throw pagesExceeded(needed, this.maxPages);
    const length = Math.min(Math.max(missing, blockPages), this.maxPages - this.#pages.count);
    const block = this.#heap.allocate(length * this.pageBytes, this.pageBytes);
    this.#blocks.push(block);
    const first = block / this.pageBytes;
    this.#pages.add(Array.from({ length }, (_, index) => first + index));
  }

  allocate(): number {
    return this.#pages.allocate();
  }

  retain(_layer: number, page: number): void {
    this.#pages.retain(page);
  }

  release(_layer: number, page: number): void {
    this.#pages.release(page);
  }

  shared(_layer: number, page: number): boolean {
    return this.#pages.shared(page);
  }

  copy(_layer: number, from: number, to: number): void {
    this.page(to).set(this.page(from));
  }

  createTable(_label: string, wordsPerLayer: number): CpuTable {
    return new CpuTable(this.#heap, this.shape.layers, wordsPerLayer);
  }

  dispose(): void {
    for (const block of this.#blocks.splice(0)) this.#heap.free(block);
  }
}
