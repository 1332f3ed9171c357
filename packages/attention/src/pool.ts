import { LongtabError } from "@longtab/errors";
import type { PageMoves } from "./away/moves.ts";
import type { PageLists } from "./lists.ts";
import type { CacheShape, PageForm } from "./page.ts";

/** Pages of each form. */
export type PageCounts = Record<PageForm, number>;

/**
 * Where pages live and what the kernels read beside them: the buffers of a GPU or WASM memory. What a page holds is the memory's
 * own affair; here pages are numbers. A page may have several holders (forks of a timeline) and is free when the last one releases it.
 */
export interface PagePool<Table extends LayerTable = LayerTable> {
  readonly shape: CacheShape;
  /** Whether complete pages move to the closed form. */
  readonly closes: boolean;
  /** Whether complete pages have run boxes, which selection needs. */
  readonly boxes: boolean;
  /** Places to return to, the oldest first: they go where pages run out. */
  readonly marks: Set<{ dispose(): void }>;
  /** Where pages go that are not looked at for long; undefined where they stay. */
  readonly away?: AwayPages | undefined;
  /** Makes room for so many more pages in one layer, or in each. Throws `context-exceeded` past the budget and `out-of-memory`. */
  reserve(pages: PageCounts, layer?: number): Promise<void>;
  /** A page for a head of this layer, with one holder; `reserve` has made room. */
  allocate(layer: number, form: PageForm): number;
  /** One more holder. */
  retain(layer: number, page: number, form: PageForm): void;
  release(layer: number, page: number, form: PageForm): void;
  /** Whether a page has more holders than one. */
  shared(layer: number, page: number, form: PageForm): boolean;
  /** Copies an open page, between the steps before and those after this call. */
  copy(layer: number, from: number, to: number): void;
  /** @throws LongtabError `out-of-memory`. */
  createTable(label: string, wordsPerLayer: number): Table;
}

/**
 * Pages that have left the pool. Their keys and values are outside (`OutsidePages`); a stub stays, with what selection looks at, which has a
 * number of its own and holders as a page has. What is outside goes with the last of them.
 */
export interface AwayPages {
  /** What moves the pages of one timeline, whose lists say where they are; `every`: steps that go by one selection. */
  createMoves(lists: PageLists<LayerTable>, every: number): PageMoves;
  /** Whether there is room for another page of a layer: outside, and for its stub. */
  hasRoom(layer: number): boolean;
  /** Waits where room outside may come, as a disk writes; false where none does. */
  roomComes(): Promise<boolean>;
  /** Makes room for so many more stubs in every layer, or for as many as there may be. Throws `out-of-memory`. */
  reserve(stubs: number): Promise<void>;
  /** Takes what a complete page holds outside, where there is room, between the steps before and those after this call: its stub, with one holder. */
  leave(layer: number, page: number, form: PageForm): number;
  /** Lets go what left since the last call, before the steps that come. */
  flush(): void;
  retain(layer: number, stub: number): void;
  release(layer: number, stub: number): void;
  /** What is outside of a page, now where it is in memory; undefined where it cannot be read any more. */
  read(layer: number, stub: number): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Fills a page with that. */
  fill(layer: number, page: number, form: PageForm, bytes: Uint8Array<ArrayBuffer>): void;
}

/** u32 words that the kernels of a layer read, a part of the same length for each layer: page lists, head records, append slots. */
export interface LayerTable {
  /** Writes words of one layer's part, from index `first` of that part on. */
  write(layer: number, first: number, words: ArrayLike<number>): void;
  /** Shows what was written to the steps that come from now on. */
  flush(): void;
  dispose(): void;
}

/** The page numbers that a pool has and nobody holds, and who shares the others. */
export class FreePages {
  #count = 0;
  #free: number[] = [];
  /** Holders that pages have beside the first, by page number: a mark holds all pages of a timeline. */
  #others = new Uint16Array();

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
    const others = new Uint16Array(pages.reduce((most, page) => Math.max(most, page + 1), this.#others.length));
    others.set(this.#others);
    this.#others = others;
  }

  allocate(): number {
    const page = this.#free.pop();
    if (page === undefined) throw new LongtabError({ code: "internal", what: "A page was taken without reserving it" });
    return page;
  }

  retain(page: number): void {
    this.#others[page] = (this.#others[page] ?? 0) + 1;
  }

  shared(page: number): boolean {
    return (this.#others[page] ?? 0) > 0;
  }

  release(page: number): void {
    const others = this.#others[page] ?? 0;
    if (others > 0) this.#others[page] = others - 1;
    else this.#free.push(page);
  }
}

/** What `reserve` throws where `needed` pages are more than the budget. */
export function pagesExceeded(needed: number, limit: number): LongtabError {
  return new LongtabError({
    code: "context-exceeded",
    what: "The cache has no free page left",
    value: needed,
    limit,
    remedy: "start a new chat, shorten the conversation, or give the cache more memory",
  });
}
