import { awaySlot, closedSlot, entryWords, headWords, pageTokens } from "../src/index.ts";
import type { CacheMark, HeadPage, KvCache, Policy } from "../src/index.ts";
import type { MemoryPool, MemoryTable } from "./memory-pool.ts";

/** A token that a row attends. */
export interface SeenToken {
  position: number;
  /** What the page holds there. */
  token: number | undefined;
  /** The position that the row's query is rotated at for it. */
  queryAt: number;
}

export interface HeadRecord {
  length: number;
  first: number;
  end: number;
  /** Entries from the first on that may be away. */
  moved: number;
}

export interface ListEntry {
  page: number;
  form: HeadPage["form"];
  position: number;
  count: number;
  rotation: number;
}

/** A timeline whose kernels store and find the names of tokens: what the tables and pages of a step come to. */
export class NamedTokens {
  readonly cache: KvCache<MemoryTable>;
  /** By position. */
  readonly tokens: number[];
  readonly policy: Policy;
  /** The longest that the timeline has been when a step began: what a rollback is measured from. */
  begun = 0;
  readonly pool: MemoryPool;
  #rows = 0;

  constructor(pool: MemoryPool, cache: KvCache<MemoryTable>, tokens: readonly number[] = []) {
    this.pool = pool;
    this.cache = cache;
    this.policy = cache.policy;
    this.tokens = [...tokens];
  }

  /** A step that appends tokens: what the kernels of every layer read before attention and write after it. */
  async append(tokens: readonly number[], attend: () => void = () => {}): Promise<void> {
    this.begun = Math.max(this.begun, this.cache.length);
    await this.cache.reserve(tokens.length);
    this.cache.append(tokens.length);
    this.#rows = tokens.length;
    this.tokens.push(...tokens);
    const { layers, kvHeads } = this.pool.shape;
    for (let layer = 0; layer < layers; layer++) {
      const slots = this.cache.slots.words(layer, 0, kvHeads * tokens.length);
      for (const [index, slot] of slots.entries()) {
        const [kvHead, row] = [Math.floor(index / tokens.length), index % tokens.length];
        this.pool.store(layer, slot, this.nameOf(layer, kvHead, tokens[row] ?? NaN));
      }
    }
    attend();
    for (let layer = 0; layer < layers; layer++) {
      const closings = this.cache.closings.words(layer, 0, this.cache.closingCount * 2);
      for (let at = 0; at < closings.length; at += 2) this.pool.close(layer, closings[at] ?? NaN, closings[at + 1] ?? NaN);
    }
  }

  truncate(length: number): number {
    const left = this.cache.truncate(length);
    this.tokens.length = Math.min(this.tokens.length, left);
    if (left === 0) this.begun = 0;
    return left;
  }

  fork(policy?: Policy): NamedTokens {
    const fork = new NamedTokens(this.pool, this.cache.fork(policy), this.tokens);
    fork.begun = Math.max(this.begun, this.cache.length);
    return fork;
  }

  returnTo(mark: CacheMark, tokens: readonly number[], begun: number): boolean {
    if (!this.cache.returnTo(mark)) return false;
    this.tokens.splice(0, this.tokens.length, ...tokens);
    this.begun = begun;
    return true;
  }

  /** What a page of a head holds for a token: no head may find another's. */
  nameOf(layer: number, kvHead: number, token: number): number {
    const { layers, kvHeads } = this.pool.shape;
    return token * layers * kvHeads + layer * kvHeads + kvHead;
  }

  record(layer: number, kvHead: number): HeadRecord {
    const [length = NaN, first = NaN, end = NaN, , , , , moved = NaN] = this.#record(layer, kvHead);
    return { length, first, end, moved };
  }

  /** A step of one row has looked at pages of every head: those for which `pick` is true, of those that may be away. */
  look(pick: (position: number) => boolean): void {
    const { layers, kvHeads } = this.pool.shape;
    const looks = Array.from({ length: layers * kvHeads }, (_, head) => {
      const [layer, kvHead] = [Math.floor(head / kvHeads), head % kvHeads];
      const { first, moved } = this.record(layer, kvHead);
      const positions = this.entries(layer, kvHead)
        .slice(first, Math.max(first, moved))
        .map(({ position }) => position)
        .filter(pick);
      return { positions, shares: positions.map(() => 1) };
    });
    this.cache.looked(looks);
  }

  entries(layer: number, kvHead: number): ListEntry[] {
    const { lists } = this.cache;
    const { length } = this.record(layer, kvHead);
    if (length > lists.capacity) throw new Error(`a list has ${length} entries, and room for ${lists.capacity}`);
    const words = lists.entries.words(layer, kvHead * lists.capacity * entryWords, length * entryWords);
    return Array.from({ length }, (_, index) => {
      const [slot = NaN, position = NaN, count = NaN, rotation = NaN] = words.subarray(index * entryWords, (index + 1) * entryWords);
      const form = slot >= closedSlot ? "closed" : slot >= awaySlot ? "away" : "open";
      return { page: Math.floor((slot % awaySlot) / pageTokens), form, position, count, rotation };
    });
  }

  /** What a row of the last step attends, as the attention kernels find it; a step of one row attends all of its list. */
  seen(layer: number, kvHead: number, row: number): SeenToken[] {
    const [, , , sinks = NaN, recent = NaN, from = NaN] = this.#record(layer, kvHead);
    const at = this.cache.length - this.#rows + row;
    const { count, positions } = this.cache.rotations(this.#rows);
    const inWindow = (position: number): boolean =>
      this.#rows === 1 || at < from || position < sinks || (position >> 4) + (recent >> 4) >= at >> 4;
    const seen: SeenToken[] = [];
    for (const entry of this.entries(layer, kvHead)) {
      if (entry.rotation >= count) throw new Error(`an entry names rotation ${entry.rotation} of ${count}`);
      // A step that selects leaves them out; rows of a prompt must not be shown them.
      if (entry.form === "away" && (this.#rows === 1 || !inWindow(entry.position))) continue;
      if (entry.form === "away") throw new Error(`the row at ${at} sees the page at ${entry.position}, which is away`);
      const page = this.pool.load(layer, entry.page, entry.form);
      const queryAt = positions[entry.rotation * this.#rows + row] ?? NaN;
      for (let index = 0; index < entry.count; index++) {
        const position = entry.position + index;
        if (position <= at && inWindow(position)) seen.push({ position, token: page[index], queryAt });
      }
    }
    return seen;
  }

  #record(layer: number, kvHead: number): Uint32Array {
    return this.cache.lists.heads.words(layer, kvHead * headWords, headWords);
  }
}
