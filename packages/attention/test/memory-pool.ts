import { OutsidePages, PageMoves } from "../src/away/index.ts";
import { pagesExceeded, pageTokens } from "../src/index.ts";
import type {
  AwayPages,
  AwayPlaces,
  CacheShape,
  LayerTable,
  PageCounts,
  PageForm,
  PageLists,
  PagePool,
  ResidentPage,
} from "../src/index.ts";

export interface MemoryPoolOptions {
  closes?: boolean;
  boxes?: boolean;
  /** Most pages of each form, by layer. */
  budget?: readonly PageCounts[];
  /** Where pages go, and the most stubs. */
  away?: { places: AwayPlaces; stubs: number };
}

interface Page {
  holders: number;
  /** What the tokens are; undefined where nothing was written. */
  tokens: (number | undefined)[];
  boxed: boolean;
}

interface Stub {
  holders: number;
  boxed: boolean;
  /** What the outside calls its page. */
  number: number;
}

/** Bytes of a page outside: its tokens as f64. */
export const namedBytes = pageTokens * 8;

/** Stubs of pages that are away, which no more may be than were reserved. */
class MemoryAwayPages implements AwayPages {
  readonly outside: OutsidePages;
  readonly #pool: MemoryPool;
  readonly #most: number;
  readonly #stubs: Map<number, Stub>[];
  #reserved = 0;
  /** Numbers that were given back: the last one is given again first. */
  readonly #free: number[][];

  constructor(pool: MemoryPool, outside: OutsidePages, most: number) {
    this.#pool = pool;
    this.outside = outside;
    this.#most = most;
    this.#stubs = Array.from({ length: pool.shape.layers }, () => new Map<number, Stub>());
    this.#free = this.#stubs.map(() => []);
  }

  createMoves(lists: PageLists<LayerTable>, every: number): PageMoves {
    return new PageMoves(this.#pool, this, lists, every);
  }

  get held(): number {
    return this.#stubs.reduce((sum, { size }) => sum + size, 0);
  }

  roomComes(): Promise<boolean> {
    return this.outside.roomComes();
  }

  hasRoom(): boolean {
    return this.outside.room && this.held < Math.min(this.#most, this.#reserved);
  }

  async reserve(stubs: number): Promise<void> {
    this.#reserved = this.held + stubs * this.#pool.shape.layers;
  }

  leave(layer: number, page: number, form: PageForm): number {
    if (!this.hasRoom()) throw new Error("a page leaves, and there is no room for it");
    const tokens = this.#pool.load(layer, page, form);
    if (tokens.includes(undefined)) throw new Error("a page leaves that is not complete");
    const number = this.outside.add(new Uint8Array(Float64Array.from(tokens, (token) => token ?? NaN).buffer));
    const stub = this.#free[layer]?.pop() ?? this.#stubs[layer]?.size ?? NaN;
    this.#stubs[layer]?.set(stub, { holders: 1, boxed: this.#pool.isBoxed(layer, page, form), number });
    return stub;
  }

  flush(): void {}

  retain(layer: number, stub: number): void {
    this.at(layer, stub).holders++;
  }

  release(layer: number, stub: number): void {
    const held = this.at(layer, stub);
    if (--held.holders > 0) return;
    this.outside.release(held.number);
    this.#stubs[layer]?.delete(stub);
    this.#free[layer]?.push(stub);
  }

  read(layer: number, stub: number): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.outside.read(this.at(layer, stub).number);
  }

  fill(layer: number, page: number, form: PageForm, bytes: Uint8Array<ArrayBuffer>): void {
    this.#pool.put(layer, { page, position: 0, form }, namesOf(bytes));
  }

  at(layer: number, stub: number): Stub {
    const held = this.#stubs[layer]?.get(stub);
    if (!held) throw new Error(`nobody holds the stub ${stub} of layer ${layer}`);
    return held;
  }
}

/** The tokens of a page from its bytes outside. */
function namesOf(bytes: Uint8Array<ArrayBuffer>): number[] {
  return [...new Float64Array(bytes.slice().buffer)];
}

/**
 * A pool in plain memory that takes the interface at its word: nothing is taken that was not reserved, nothing touched that nobody holds,
 * open pages that others hold are not written, and what is in a page is lost when its last holder releases it.
 */
export class MemoryPool implements PagePool<MemoryTable> {
  readonly shape: CacheShape;
  readonly closes: boolean;
  readonly boxes: boolean;
  readonly marks = new Set<{ dispose(): void }>();
  readonly away: MemoryAwayPages | undefined;
  #budget: readonly PageCounts[] | undefined;
  #pages: Record<PageForm, Map<number, Page>[]>;
  /** Numbers that were given back: the last one is given again first. */
  #free: Record<PageForm, number[][]>;
  #reserved: PageCounts[];
  #tables = 0;

  constructor(shape: CacheShape, { closes = false, boxes = false, budget, away }: MemoryPoolOptions = {}) {
    this.shape = shape;
    this.closes = closes;
    this.boxes = boxes;
    this.#budget = budget;
    this.away = away && new MemoryAwayPages(this, new OutsidePages(namedBytes, away.places), away.stubs);
    const byLayer = <T>(make: () => T): T[] => Array.from({ length: shape.layers }, make);
    this.#pages = { open: byLayer(() => new Map<number, Page>()), closed: byLayer(() => new Map<number, Page>()) };
    this.#free = { open: byLayer(() => []), closed: byLayer(() => []) };
    this.#reserved = byLayer(() => ({ open: 0, closed: 0 }));
  }

  /** Pages that are held, of one layer. */
  used(layer: number): PageCounts {
    return { open: this.#pages.open[layer]?.size ?? 0, closed: this.#pages.closed[layer]?.size ?? 0 };
  }

  /** Pages and tables that are held, of all layers. */
  get held(): number {
    return Array.from({ length: this.shape.layers }, (_, layer) => this.used(layer)).reduce(
      (sum, { open, closed }) => sum + open + closed,
      this.#tables + (this.away?.held ?? 0),
    );
  }

  async reserve(pages: PageCounts, only?: number): Promise<void> {
    for (const form of ["open", "closed"] as const) {
      for (let layer = only ?? 0; layer < (only === undefined ? this.shape.layers : only + 1); layer++) {
        const needed = this.used(layer)[form] + pages[form];
        const limit = this.#budget?.[layer]?.[form] ?? Infinity;
        if (needed > limit) throw pagesExceeded(needed, limit);
      }
    }
    this.#reserved = this.#reserved.map((reserved, layer) => (only === undefined || only === layer ? { ...pages } : reserved));
  }

  allocate(layer: number, form: PageForm): number {
    const reserved = this.#reserved[layer];
    if (!reserved || reserved[form]-- <= 0) throw new Error(`a page (${form}) was taken without reserving it`);
    if (form === "closed" && !this.closes) throw new Error("this pool has no closed pages");
    const page = this.#free[form][layer]?.pop() ?? this.used(layer)[form];
    this.#pages[form][layer]?.set(page, { holders: 1, tokens: Array.from({ length: pageTokens }, () => undefined), boxed: false });
    return page;
  }

  retain(layer: number, page: number, form: PageForm): void {
    this.#at(layer, page, form).holders++;
  }

  release(layer: number, page: number, form: PageForm): void {
    const held = this.#at(layer, page, form);
    if (--held.holders > 0) return;
    this.#pages[form][layer]?.delete(page);
    this.#free[form][layer]?.push(page);
  }

  shared(layer: number, page: number, form: PageForm): boolean {
    return this.#at(layer, page, form).holders > 1;
  }

  copy(layer: number, from: number, to: number): void {
    this.#own(layer, to).tokens = [...this.#at(layer, from, "open").tokens];
  }

  createTable(_label: string, wordsPerLayer: number): MemoryTable {
    this.#tables++;
    return new MemoryTable(this.shape.layers, wordsPerLayer, () => this.#tables--);
  }

  /** As the kernels do: stores a token. */
  store(layer: number, slot: number, token: number): void {
    const page = this.#own(layer, Math.floor(slot / pageTokens));
    page.tokens[slot % pageTokens] = token;
    page.boxed = false;
  }

  /** Moves a complete page, or makes its boxes. */
  close(layer: number, source: number, target: number): void {
    const page = this.#own(layer, source);
    if (page.tokens.includes(undefined)) throw new Error("a page is closed that is not complete");
    const closed = this.closes ? this.#at(layer, target, "closed") : page;
    if (!this.closes && source !== target) throw new Error("a page moves in a pool of one form");
    closed.tokens = [...page.tokens];
    closed.boxed = this.boxes;
  }

  /** Puts tokens into a page that one alone holds, as what they were saved as. */
  put(layer: number, { page, form }: ResidentPage, tokens: readonly (number | undefined)[]): void {
    const own = this.#at(layer, page, form);
    if (own.holders > 1) throw new Error(`page ${page} of layer ${layer} is written, and ${own.holders} hold it`);
    own.tokens = [...tokens];
    own.boxed = this.boxes && !tokens.includes(undefined);
  }

  load(layer: number, page: number, form: PageForm): readonly (number | undefined)[] {
    return this.#at(layer, page, form).tokens;
  }

  isBoxed(layer: number, page: number, form: PageForm): boolean {
    return this.#at(layer, page, form).boxed;
  }

  /** An open page that one alone holds. */
  #own(layer: number, page: number): Page {
    const own = this.#at(layer, page, "open");
    if (own.holders > 1) throw new Error(`page ${page} of layer ${layer} is written, and ${own.holders} hold it`);
    return own;
  }

  #at(layer: number, page: number, form: PageForm): Page {
    const held = this.#pages[form][layer]?.get(page);
    if (!held) throw new Error(`nobody holds the ${form} page ${page} of layer ${layer}`);
    return held;
  }
}

/** A table whose readers see what was flushed. */
export class MemoryTable implements LayerTable {
  #written: Uint32Array;
  #shown: Uint32Array;
  #wordsPerLayer: number;
  #disposed: (() => void) | undefined;

  constructor(layers: number, wordsPerLayer: number, disposed: () => void) {
    this.#wordsPerLayer = wordsPerLayer;
    this.#written = new Uint32Array(layers * wordsPerLayer);
    this.#shown = this.#written.slice();
    this.#disposed = disposed;
  }

  write(layer: number, first: number, words: ArrayLike<number>): void {
    if (first + words.length > this.#wordsPerLayer)
      throw new Error(`words ${first} to ${first + words.length} of ${this.#wordsPerLayer} are written`);
    this.#written.set(words, layer * this.#wordsPerLayer + first);
  }

  flush(): void {
    this.#shown = this.#written.slice();
  }

  words(layer: number, first: number, count: number): Uint32Array {
    if (first + count > this.#wordsPerLayer) throw new Error(`words ${first} to ${first + count} of ${this.#wordsPerLayer} are read`);
    return this.#shown.subarray(layer * this.#wordsPerLayer + first, layer * this.#wordsPerLayer + first + count);
  }

  dispose(): void {
    if (!this.#disposed) throw new Error("a table is disposed twice");
    this.#disposed();
    this.#disposed = undefined;
  }
}
