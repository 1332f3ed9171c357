/** Ids that an occurrence must share with the end of the text, the most telling first. */
const lengths = [4, 3, 2] as const;
/** Occurrences looked at for one length: those of other ids with the same hash are stepped over. */
const mostSteps = 16;
const buckets = 4096;
const none = 0xffffffff;

export interface Draft {
  /** How many ids at the end of the text occurred before: 2 to 4. */
  matched: number;
  /** The ids that came after them then. */
  ids: Uint32Array;
}

/**
 * Finds in a text what came after its last ids when they occurred before: a guess at what comes next that costs no model.
 * (Saxena, "Prompt Lookup Decoding", 2023.) Memory is 12 bytes a token and 48 KiB; a look-up takes microseconds however long the text is.
 */
export class DraftLookUp {
  readonly #ids: Uint32Array;
  readonly #chains: readonly Chain[];
  #length = 0;

  /** `ids`: the timeline's ids by absolute position, filled in as they come. */
  constructor(ids: Uint32Array) {
    this.#ids = ids;
    this.#chains = lengths.map((length) => new Chain(ids, length));
  }

  get length(): number {
    return this.#length;
  }

  /** Takes in the ids from where it was up to `length`. */
  extend(length: number): void {
    for (; this.#length < length; this.#length++) for (const chain of this.#chains) chain.add(this.#length + 1);
  }

  /** Forgets the ids from `length` on; to be called before they are overwritten. */
  truncate(length: number): void {
    for (; this.#length > length; this.#length--) for (const chain of this.#chains) chain.remove(this.#length);
  }

  /**
   * Up to `most` ids that followed the latest earlier occurrence of the last 4 ids, or else 3, or 2. An occurrence less than `most` ids
   * back goes on as the repetition that it is.
   */
  find(most: number): Draft | undefined {
    if (most < 1) return undefined;
    for (const chain of this.#chains) {
      const end = chain.earlier(this.#length);
      if (end === undefined) continue;
      const period = this.#length - end;
      return { matched: chain.matched, ids: Uint32Array.from({ length: most }, (_, index) => this.#ids[end + (index % period)] ?? 0) };
    }
    return undefined;
  }
}

/** The places where each run of `matched` ids ends, the latest first: a hash table of chains through an array by place. */
class Chain {
  readonly matched: number;
  readonly #ids: Uint32Array;
  /** The latest end of a run, by hash; then, by end, the one before it with the same hash. */
  readonly #latest = new Uint32Array(buckets).fill(none);
  readonly #before: Uint32Array;

  constructor(ids: Uint32Array, matched: number) {
    this.matched = matched;
    this.#ids = ids;
    this.#before = new Uint32Array(ids.length + 1);
  }

  /** Notes the run that ends before position `end`. */
  add(end: number): void {
    if (end < this.matched) return;
    const hash = this.#hash(end);
    this.#before[end] = this.#latest[hash] ?? none;
    this.#latest[hash] = end;
  }

  /** Undoes the last `add`, which was that of `end`. */
  remove(end: number): void {
    if (end < this.matched) return;
    this.#latest[this.#hash(end)] = this.#before[end] ?? none;
  }

  /** The latest end before `end`, which was the last one added, of a run of the same ids. */
  earlier(end: number): number | undefined {
    if (end < this.matched) return undefined;
    let found = this.#before[end] ?? none;
    for (let step = 0; step < mostSteps && found !== none; step++) {
      if (this.#same(found, end)) return found;
      found = this.#before[found] ?? none;
    }
    return undefined;
  }

  #same(first: number, second: number): boolean {
    for (let back = 1; back <= this.matched; back++) if (this.#ids[first - back] !== this.#ids[second - back]) return false;
    return true;
  }

  #hash(end: number): number {
    let hash = 0;
    for (let back = this.matched; back > 0; back--) hash = Math.imul(hash ^ (this.#ids[end - back] ?? 0), 0x9e3779b1);
    return (hash ^ (hash >>> 15)) & (buckets - 1);
  }
}
