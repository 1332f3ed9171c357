import { pagesFor } from "@longtab/attention";
import type { Heap } from "../heap.ts";

/** Pages that the window of the table moves by at once. */
const stride = 256;

/** Counts how often steps selected runs of each page: u32 by page of 16 tokens, for the pages that may be kept. */
export class PageHits {
  readonly #heap: Heap;
  readonly #pages: number;
  readonly #table: number;
  /** Index of the first page in the table. */
  #first = 0;

  /** `tokens`: most tokens that a head keeps. @throws LongtabError `out-of-memory`. */
  constructor(heap: Heap, tokens: number) {
    this.#heap = heap;
    this.#pages = pagesFor(tokens) + 2 * stride;
    this.#table = heap.allocate(this.#pages * 4);
    this.#counts().fill(0);
  }

  /** Where the count of page 0 would be, so that kernels find those of the pages kept at `position` by their index. */
  pointer(position: number): number {
    const first = Math.max(0, Math.ceil((pagesFor(position + 1) - this.#pages + stride) / stride)) * stride;
    if (first !== this.#first) this.#move(first);
    return this.#table - this.#first * 4;
  }

  /** The counts of the pages of the first `length` tokens, which begin again from 0. */
  take(length: number): Uint32Array<ArrayBuffer> {
    const counts = this.#counts();
    const taken = new Uint32Array(pagesFor(length));
    taken.set(counts.subarray(0, Math.max(0, taken.length - this.#first)), Math.min(this.#first, taken.length));
    counts.fill(0);
    return taken;
  }

  dispose(): void {
    this.#heap.free(this.#table);
  }

  /** Forward as a text grows, and back where another one begins: kernels write where the page that they name would be. */
  #move(first: number): void {
    const counts = this.#counts();
    const by = first - this.#first;
    const kept = counts.slice(Math.max(0, by), Math.max(0, this.#pages + Math.min(0, by)));
    counts.fill(0);
    if (kept.length > 0) counts.set(kept, Math.max(0, -by));
    this.#first = first;
  }

  #counts(): Uint32Array {
    return this.#heap.u32(this.#table, this.#pages);
  }
}
