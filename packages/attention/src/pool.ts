import { LongtabError } from "@longtab/errors";
import type { CacheShape } from "./page.ts";

/**
 * Where pages live and what the kernels read beside them: the buffers of a GPU or WASM memory. What a page holds is the memory's
 * own affair; here pages are numbers.
 */
export interface PagePool<Table extends LayerTable = LayerTable> {
  readonly shape: CacheShape;
  /** Makes room for `count` more pages in every layer. Throws `context-exceeded` past the budget and `out-of-memory`. */
  reserve(count: number): Promise<void>;
  /** A page for a head of this layer; `reserve` has made room. */
  allocate(layer: number): number;
  release(layer: number, page: number): void;
  /** @throws LongtabError `out-of-memory`. */
  createTable(label: string, wordsPerLayer: number): Table;
}

/** u32 words that the kernels of a layer read, a part of the same length for each layer: page lists, their lengths, append slots. */
export interface LayerTable {
  /** Writes words of one layer's part, from index `first` of that part on. */
  write(layer: number, first: number, words: ArrayLike<number>): void;
  /** Shows what was written to the steps that come from now on. */
  flush(): void;
  dispose(): void;
}

/** The page numbers that a pool has and nobody holds. */
export class FreePages {
  #count = 0;
  #free: number[] = [];

  /** Pages that exist, held or free. */
  get count(): number {
    return this.#count;
  }

  /** Pages that are held. */
  get used(): number {
    return this.#count - this.#free.length;
  }

  /** Takes in new pages; they are given from the first on, after those that are free already. */
  add(pages: readonly number[]): void {
    this.#free = [...pages.toReversed(), ...this.#free];
    this.#count += pages.length;
  }

  allocate(): number {
    const page = this.#free.pop();
    if (page === undefined) throw new LongtabError({ code: "internal", what: "A page was taken without reserving it" });
    return page;
  }

  release(page: number): void {
    this.#free.push(page);
  }
}

/** What `reserve` throws where `needed` pages are more than the budget. */
export function pagesExceeded(needed: number, limit: number): LongtabError {
  return new LongtabError({
    code: "context-exceeded",
    what: "The cache has no free page left",
    value: needed,
    limit,
    remedy: "start a new chat or shorten the conversation",
  });
}
