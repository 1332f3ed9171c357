import { isLongtabError, LongtabError } from "@longtab/errors";
import { HeadPages } from "./head-pages.ts";
import type { Gap } from "./head-pages.ts";
import { PageLists } from "./lists.ts";
import { CacheMark } from "./mark.ts";
import type { PageLooks, PageMoves } from "./away/moves.ts";
import { entryWords, headWords, pageTokens, pagesFor } from "./page.ts";
import type { HeadPage, PageForm } from "./page.ts";
import { listCapacity } from "./plan.ts";
import { movesAway } from "./policies/policy.ts";
import type { Policy } from "./policies/policy.ts";
import type { LayerTable, PageCounts, PagePool } from "./pool.ts";
import { countPages } from "./usage.ts";
import type { PageUsage } from "./usage.ts";

/** u32 words of a closing: the page that is complete, and the page that it moves to (itself where the pool has one form). */
const closingWords = 2;

/** A page that the last step completed and that moves to another one when that step is over. */
interface Closing {
  head: HeadPages;
  position: number;
  page: number;
}

/** The keys and values of one timeline: which pages each head keeps, and the lists that follow from its policy. */
export class KvCache<Table extends LayerTable = LayerTable> {
  readonly policy: Policy;
  readonly lists: PageLists<Table>;
  readonly #pool: PagePool<Table>;
  readonly #maxTokens: number;
  readonly #maxStep: number;
  #heads: HeadPages[];
  #stepSlots: { prefill: Table; decode: Table };
  #slots: Table;
  #closingTable: Table;
  #closingCount = 0;
  #moving: Closing[] = [];
  #tables: Table[] = [];
  #length = 0;
  /** Where the policy moves pages away. */
  #moves: PageMoves | undefined;

  /**
   * `maxTokens`: most tokens that one head keeps; `maxStep`: most tokens that one step appends.
   * @throws LongtabError `out-of-memory`; nothing stays allocated then.
   */
  constructor(pool: PagePool<Table>, policy: Policy, maxTokens: number, maxStep: number) {
    const { layers, kvHeads } = pool.shape;
    this.policy = policy;
    this.#pool = pool;
    this.#maxTokens = maxTokens;
    this.#maxStep = maxStep;
    this.#heads = Array.from({ length: layers * kvHeads }, (_, index) => {
      const [layer, kvHead] = [Math.floor(index / kvHeads), index % kvHeads];
      return new HeadPages(pool, layer, kvHead, policy.rule(layer, kvHead));
    });
    const capacity = listCapacity(pool.shape, policy, maxTokens, maxStep);
    const create = (label: string, wordsPerLayer: number): Table => {
      const table = pool.createTable(label, wordsPerLayer);
      this.#tables.push(table);
      return table;
    };
    try {
      const entries = create("page lists", kvHeads * capacity * entryWords);
      this.lists = new PageLists(pool.shape, policy, capacity, entries, create("page list heads", kvHeads * headWords));
      // A table of its own for one token: what a decode step writes stays small however long a prefill step may be.
      this.#stepSlots = { prefill: create("append slots", kvHeads * maxStep), decode: create("append slots", kvHeads) };
      this.#slots = this.#stepSlots.decode;
      this.#closingTable = create("closings", kvHeads * (pagesFor(maxStep) + 1) * closingWords);
    } catch (error) {
      this.dispose();
      throw error;
    }
    const moves = this.#heads.some(({ rule }) => movesAway(rule));
    if (moves) this.#moves = pool.away?.createMoves(this.lists, policy.selection?.every ?? 1);
  }

  /** Tokens read: the position of the next one. */
  get length(): number {
    return this.#length;
  }

  /** [layers, kvHeads, tokens] of the last step: where its keys and values go. */
  get slots(): Table {
    return this.#slots;
  }

  /** [layers, closingCount] of two words: pages that the last step completes, and where they move to. */
  get closings(): Table {
    return this.#closingTable;
  }

  /** Of one layer. */
  get closingCount(): number {
    return this.#closingCount;
  }

  /** Query rotations of a step of `tokens` rows at the end: the positions to rotate at, [rotations, tokens]. */
  rotations(tokens: number): { count: number; positions: number[] } {
    const rows = Array.from({ length: tokens }, (_, row) => this.policy.rotations(this.#length - tokens + row));
    const count = Math.max(...rows.map((positions) => positions.length));
    const positions = Array.from({ length: count }, (_, rotation) => rows.map((row) => row[rotation] ?? row[0] ?? 0));
    return { count, positions: positions.flat() };
  }

  /** The pages that hold the tokens from `position`, a multiple of 16, on: [layers, kvHeads], undefined where a head gave its page back. */
  pagesAt(position: number): (HeadPage | undefined)[][] {
    const { layers, kvHeads } = this.#pool.shape;
    const found = this.#heads.map((head) => head.at(position));
    return Array.from({ length: layers }, (_, layer) => found.slice(layer * kvHeads, (layer + 1) * kvHeads));
  }

  usage(): PageUsage {
    return countPages(this.#heads, this.policy, this.#length);
  }

  /** Makes sure that the pool has room for `tokens` more; `append` then cannot fail. Marks go where they take it. */
  async reserve(tokens: number): Promise<void> {
    this.#tidy();
    await this.#moves?.prepare(this.#heads, this.#length).catch((error: unknown) => {
      // Without what could not be read nothing goes on from here, nor from earlier places: all of it is read again.
      if (!isShortage(error)) {
        for (const mark of this.#pool.marks) mark.dispose();
        this.truncate(0);
      }
      throw error;
    });
    return this.#reserve(() => this.#needed(tokens));
  }

  /** Whether steps are to say which pages they looked at of those that may be away: `looked`. */
  get moves(): boolean {
    return this.#moves !== undefined && this.#heads.some(({ moved }) => moved > 0);
  }

  /**
   * Says which pages the last step that selected looked at, or would have looked at had they not been away: the latter come back, for a step
   * that follows. [layers x kvHeads].
   */
  looked(looks: readonly PageLooks[]): void {
    this.#moves?.looked(this.#heads, looks);
  }

  /** Gives the next `tokens` tokens their slots in every layer, and brings the lists up to date. */
  append(tokens: number): void {
    this.#move();
    const from = this.#length;
    this.#length += tokens;
    this.#slots = tokens === 1 ? this.#stepSlots.decode : this.#stepSlots.prefill;
    const rows = { first: from, last: this.#length - 1, rotations: this.rotations(tokens).count };
    for (const head of this.#heads) {
      const { layer, kvHead, pages } = head;
      const copied = head.own(from);
      if (copied !== undefined) this.lists.changed(layer, kvHead, copied);
      for (let position = pagesFor(from) * pageTokens; position < this.#length; position += pageTokens) head.add(position);
      this.#slots.write(layer, kvHead * tokens, head.slots(from, tokens));
      this.lists.update(layer, kvHead, pages, head.movedPages, rows);
    }
    this.#slots.flush();
    this.lists.flush();
    this.#complete(from);
  }

  /** What each head gave back: [layers x kvHeads]. */
  gaps(): (Gap | undefined)[] {
    this.#tidy();
    return this.#heads.map(({ gap }) => gap);
  }

  /**
   * Appends tokens whose keys and values somebody writes where `pagesAt` says: complete pages in the form that they are kept in, and none
   * where heads have gaps, which are those that the timeline is to have when all of it is there. It must hold whole pages.
   */
  async adopt(tokens: number, gaps: readonly (Gap | undefined)[]): Promise<void> {
    const from = this.#length;
    if (from === 0) for (const [index, head] of this.#heads.entries()) head.begin(gaps[index]);
    const added = Array.from({ length: pagesFor(tokens) }, (_, index) => from + index * pageTokens);
    const formOf = (position: number): PageForm => (this.#pool.closes && position + pageTokens <= from + tokens ? "closed" : "open");
    if (this.#moves) await this.#moves.leave(this.#heads, from);
    const counts = { open: 0, closed: 0 };
    for (const position of added) counts[formOf(position)] += this.#holders(position);
    await this.#reserve(() => counts);
    for (const head of this.#heads) {
      for (const position of added) if (!head.gaveBack(position)) head.add(position, formOf(position));
    }
    this.#length += tokens;
  }

  /** Forgets every token from `length` on, and more where those before it cannot be gone on from: returns how many are left. */
  truncate(length: number): number {
    if (length >= this.#length) return this.#length;
    this.#drop(length);
    const left = this.#heads.reduce((least, head) => Math.min(least, head.rollbackTo(least)), length);
    this.#length = left;
    this.#moves?.wentBack();
    for (const head of this.#heads) this.lists.changed(head.layer, head.kvHead, head.truncate(left));
    return left;
  }

  /**
   * Another timeline with the same tokens, which shares their pages: a page is copied when one of the two writes to it.
   * @throws LongtabError `invalid-option` where `policy` needs what was given back, `out-of-memory`.
   */
  fork(policy: Policy = this.policy): KvCache<Table> {
    this.#tidy();
    const fork = new KvCache(this.#pool, policy, this.#maxTokens, this.#maxStep);
    fork.#length = this.#length;
    fork.#heads = this.#heads.map((head) => head.fork(policy.rule(head.layer, head.kvHead)));
    fork.#goOn();
    if (fork.#heads.every((head) => head.holds(this.#length))) return fork;
    fork.dispose();
    throw new LongtabError({
      code: "invalid-option",
      what: "The other context policy needs tokens that this conversation has forgotten",
      value: policy.name,
      limit: this.policy.name,
      remedy: "read the conversation again",
    });
  }

  /** A place to return to, which holds the pages of all that is kept now. */
  mark(): CacheMark {
    this.#tidy();
    return new CacheMark(
      this.#pool,
      this.#heads.map((head) => head.fork(head.rule)),
      this.#length,
    );
  }

  /** Takes the place of a mark instead of the tokens held; false, and nothing changes, where the mark or what this policy needs of it is gone. */
  returnTo(mark: CacheMark): boolean {
    const { length } = mark;
    const heads = mark.share(this.policy);
    const whole = length > 0 && heads.every((head) => head.holds(length));
    if (whole) this.#drop(0);
    for (const head of whole ? this.#heads : heads) head.truncate(0);
    if (!whole) return false;
    this.#heads = heads;
    this.#length = length;
    this.#goOn();
    for (const { layer, kvHead } of heads) this.lists.changed(layer, kvHead, 0);
    return true;
  }

  dispose(): void {
    this.#drop(0);
    for (const head of this.#heads) head.truncate(0);
    this.#length = 0;
    for (const table of this.#tables.splice(0)) table.dispose();
  }

  /** Rows at the end come next, of heads that may have been another timeline's. */
  #goOn(): void {
    for (const head of this.#heads) head.goOnAt(this.#length);
    this.#moves?.wentBack();
  }

  async #reserve(needed: () => PageCounts): Promise<void> {
    for (;;) {
      try {
        return await this.#pool.reserve(needed());
      } catch (error) {
        const [oldest] = this.#pool.marks;
        if (!oldest) throw error;
        oldest.dispose();
      }
    }
  }

  /** Most heads of a layer that keep the page at `position`. */
  #holders(position: number): number {
    const byLayer = Array.from({ length: this.#pool.shape.layers }, () => 0);
    for (const head of this.#heads) byLayer[head.layer] = (byLayer[head.layer] ?? 0) + Number(!head.gaveBack(position));
    return Math.max(...byLayer);
  }

  /** Pages of a layer that `tokens` more take. */
  #needed(tokens: number): PageCounts {
    const { kvHeads } = this.#pool.shape;
    const added = pagesFor(this.#length + tokens) - pagesFor(this.#length);
    const copied = this.#heads.some((head) => head.isShared(this.#length)) ? 1 : 0;
    const closed = this.#pool.closes ? wholePages(this.#length + tokens) - wholePages(this.#length) : 0;
    return { open: kvHeads * (added + copied), closed: kvHeads * closed };
  }

  /** Gives back what no later row sees. */
  #tidy(): void {
    this.#move();
    for (const head of this.#heads) {
      const changed = head.evict(this.#length);
      if (changed !== undefined) this.lists.changed(head.layer, head.kvHead, changed);
    }
  }

  /** Notes the pages that the step from `from` on completes. */
  #complete(from: number): void {
    const first = wholePages(from);
    const count = wholePages(this.#length) - first;
    this.#closingCount = this.#pool.closes || this.#pool.boxes ? count * this.#pool.shape.kvHeads : 0;
    if (this.#closingCount === 0) return;
    for (const head of this.#heads) {
      const { layer, kvHead, pages } = head;
      const words = pages
        .slice(-(count + 1))
        .filter(({ position }) => position >= first * pageTokens && position + pageTokens <= this.#length);
      const moves = words.flatMap(({ page, position }) => {
        const target = this.#pool.closes ? this.#pool.allocate(layer, "closed") : page;
        if (this.#pool.closes) this.#moving.push({ head, position, page: target });
        return [page, target];
      });
      this.#closingTable.write(layer, kvHead * count * closingWords, moves);
    }
    this.#closingTable.flush();
  }

  /** Puts closed pages in the place of those that the last step completed. */
  #move(): void {
    for (const { head, position, page } of this.#moving.splice(0)) {
      const index = head.pages.findLastIndex((held) => held.position === position);
      if (index < 0) this.#pool.release(head.layer, page, "closed");
      else {
        head.replace(index, page, "closed");
        this.lists.changed(head.layer, head.kvHead, index);
      }
    }
  }

  /** Before a rollback: pages that would be complete no more stay open. */
  #drop(length: number): void {
    const kept = this.#moving.filter(({ position }) => position + pageTokens <= length);
    for (const { head, position, page } of this.#moving) if (position + pageTokens > length) this.#pool.release(head.layer, page, "closed");
    this.#moving = kept;
    this.#move();
  }
}

/** Whether a step could not be made for lack of room: what is held stays, and another may find some. */
function isShortage(error: unknown): boolean {
  return isLongtabError(error) && (error.code === "out-of-memory" || error.code === "context-exceeded");
}

function wholePages(tokens: number): number {
  return Math.floor(tokens / pageTokens);
}
