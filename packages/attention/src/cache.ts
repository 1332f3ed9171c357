import { PageLists } from "./lists.ts";
import { entryWords, pageTokens } from "./page.ts";
import type { HeadPage } from "./page.ts";
import type { Policy } from "./policies/policy.ts";
import type { LayerTable, PagePool } from "./pool.ts";

/** The keys and values of one timeline: which pages each head keeps, and the lists that a policy makes of them. */
export class KvCache<Table extends LayerTable = LayerTable> {
  readonly lists: PageLists<Table>;
  #pool: PagePool<Table>;
  #policy: Policy;
  /** Pages by layer and KV head, in order of position. */
  #pages: HeadPage[][][];
  #stepSlots: { prefill: Table; decode: Table };
  #slots: Table;
  #tables: Table[] = [];
  #length = 0;

  /**
   * `maxStep`: most tokens that one step appends.
   * @throws LongtabError `out-of-memory`; nothing stays allocated then.
   */
  constructor(pool: PagePool<Table>, policy: Policy, contextLength: number, maxStep: number) {
    const { layers, kvHeads } = pool.shape;
    this.#pool = pool;
    this.#policy = policy;
    this.#pages = Array.from({ length: layers }, () => Array.from({ length: kvHeads }, () => []));
    // Whole multiples of 256 bytes of entries for each head.
    const capacity = Math.ceil(policy.listCapacity(contextLength) / pageTokens) * pageTokens;
    const create = (label: string, wordsPerLayer: number): Table => {
      const table = pool.createTable(label, wordsPerLayer);
      this.#tables.push(table);
      return table;
    };
    try {
      const entries = create("page lists", kvHeads * capacity * entryWords);
      this.lists = new PageLists(pool.shape, capacity, entries, create("page list lengths", kvHeads));
      // A table of its own for one token: what a decode step writes stays small however long a prefill step may be.
      this.#stepSlots = { prefill: create("append slots", kvHeads * maxStep), decode: create("append slots", kvHeads) };
      this.#slots = this.#stepSlots.decode;
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Tokens held. */
  get length(): number {
    return this.#length;
  }

  /** [layers, kvHeads, tokens] of the last step: where its keys and values go. */
  get slots(): Table {
    return this.#slots;
  }

  /** The pages that hold the tokens from `position`, a multiple of 16, on: their numbers, [layers, kvHeads]. */
  pagesAt(position: number): number[][] {
    return this.#pages.map((heads) =>
      heads.map((pages) => {
        const found = pages.find((page) => page.position === position);
        if (!found) throw new RangeError(`no page for position ${position}`);
        return found.page;
      }),
    );
  }

  /** Makes sure that the pool has room for `tokens` more; `append` then cannot fail. */
  async reserve(tokens: number): Promise<void> {
    const { kvHeads } = this.#pool.shape;
    await this.#pool.reserve(kvHeads * (pagesFor(this.#length + tokens) - pagesFor(this.#length)));
  }

  /** Gives the next `tokens` tokens their slots in every layer, and brings the lists up to date. */
  append(tokens: number): void {
    const from = this.#length;
    this.#length += tokens;
    this.#slots = tokens === 1 ? this.#stepSlots.decode : this.#stepSlots.prefill;
    for (const [layer, heads] of this.#pages.entries()) {
      for (const [kvHead, pages] of heads.entries()) {
        this.#extend(layer, kvHead, pages);
        this.#slots.write(layer, kvHead * tokens, slotsFrom(pages, from, tokens));
      }
    }
    this.#slots.flush();
  }

  /** Forgets every token from `length` on; pages that become empty return to the pool. */
  truncate(length: number): void {
    if (length >= this.#length) return;
    this.#length = length;
    for (const [layer, heads] of this.#pages.entries()) {
      for (const [kvHead, pages] of heads.entries()) {
        const emptied = pages.findIndex(({ position }) => position >= length);
        if (emptied < 0) continue;
        for (const { page } of pages.splice(emptied)) this.#pool.release(layer, page);
        this.lists.update(layer, kvHead, (list) => this.#policy.writeList(list, pages, emptied));
      }
    }
  }

  dispose(): void {
    this.truncate(0);
    for (const table of this.#tables.splice(0)) table.dispose();
  }

  /** Adds the pages that a head lacks for the tokens held. */
  #extend(layer: number, kvHead: number, pages: HeadPage[]): void {
    const before = pages.length;
    const last = pages.at(-1);
    for (let position = last ? last.position + pageTokens : 0; position < this.#length; position += pageTokens)
      pages.push({ page: this.#pool.allocate(layer), position });
    if (pages.length > before) this.lists.update(layer, kvHead, (list) => this.#policy.writeList(list, pages, before));
  }
}

function pagesFor(tokens: number): number {
  return Math.ceil(tokens / pageTokens);
}

/** Slots of `tokens` tokens from `position` on; the pages end with those that hold them. */
function slotsFrom(pages: readonly HeadPage[], position: number, tokens: number): Uint32Array {
  const slots = new Uint32Array(tokens);
  for (const { page, position: first } of pages.slice(-(pagesFor(tokens) + 1))) {
    const end = Math.min(first + pageTokens, position + tokens);
    for (let at = Math.max(first, position); at < end; at++) slots[at - position] = page * pageTokens + (at - first);
  }
  return slots;
}
