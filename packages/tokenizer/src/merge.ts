/** Which neighbouring symbols may become one. A merge is an index into `ranks` and `results`. */
export interface MergeRule {
  /** The merge of symbols `a` and `b`, which span [start, end) of the text, or -1. */
  find(a: number, b: number, start: number, end: number): number;
  /** Lower merges first; below 2^21. */
  readonly ranks: ArrayLike<number>;
  /** The symbol that a merge makes. */
  readonly results: ArrayLike<number>;
}

/** Symbols; 40 bytes each. */
const KEPT_ROOM = 2 ** 16;

/**
 * Byte-pair merging: again and again the neighbours with the lowest rank become one symbol, the leftmost first among equals.
 * N symbols take O(N log N), whatever the text: a heap of candidates over a linked list, as in llama.cpp's tokenisers.
 * The buffers are kept between calls, so one merger serves one encoder.
 */
export class Merger {
  /** [N] symbol ids, and where each ends in the text. `merge` reads them and leaves the merged ones there. */
  symbols = new Int32Array(0);
  ends = new Int32Array(0);
  #previous = new Int32Array(0);
  #next = new Int32Array(0);
  /** Heap entries: rank * 2^32 + left symbol's index, which orders them; the length they were made for; the merge. */
  #keys = new Float64Array(0);
  #lengths = new Int32Array(0);
  #merges = new Int32Array(0);
  #size = 0;

  /** Makes room for `count` symbols. Room for an enormous word is given back when a usual one follows. */
  reserve(count: number): void {
    const room = this.symbols.length;
    if (count <= room && (room <= KEPT_ROOM || count > KEPT_ROOM)) return;
    const capacity = Math.max(64, 2 ** Math.ceil(Math.log2(count)));
    this.symbols = new Int32Array(capacity);
    this.ends = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#next = new Int32Array(capacity);
    // N - 1 pairs at the start, and each of N - 1 merges takes one away and brings two at most.
    this.#keys = new Float64Array(2 * capacity);
    this.#lengths = new Int32Array(2 * capacity);
    this.#merges = new Int32Array(2 * capacity);
  }

  /** Merges the first `count` symbols and returns how many are left. */
  merge(rule: MergeRule, count: number): number {
    const { symbols, ends } = this;
    const previous = this.#previous;
    const next = this.#next;
    this.#size = 0;
    for (let i = 0; i < count; i++) {
      previous[i] = i - 1;
      next[i] = i + 1 < count ? i + 1 : -1;
      if (i > 0) this.#propose(rule, i - 1, i);
    }
    while (this.#size > 0) {
      const left = (this.#keys[0] as number) % 2 ** 32;
      const length = this.#lengths[0] as number;
      const merge = this.#merges[0] as number;
      this.#pop();
      const right = next[left] as number;
      // Outdated when the left symbol is gone (its end is -1) or either one has grown since.
      if (right < 0 || (ends[left] as number) < 0) continue;
      const before = previous[left] as number;
      if ((ends[right] as number) - (before < 0 ? 0 : (ends[before] as number)) !== length) continue;

      const after = next[right] as number;
      symbols[left] = rule.results[merge] as number;
      ends[left] = ends[right] as number;
      ends[right] = -1;
      next[left] = after;
      if (after >= 0) previous[after] = left;
      if (before >= 0) this.#propose(rule, before, left);
      if (after >= 0) this.#propose(rule, left, after);
    }
    let left = 0;
    for (let i = count > 0 ? 0 : -1; i >= 0; i = next[i] as number) {
      symbols[left] = symbols[i] as number;
      ends[left] = ends[i] as number;
      left++;
    }
    return left;
  }

  #propose(rule: MergeRule, left: number, right: number): void {
    const { symbols, ends } = this;
    const before = this.#previous[left] as number;
    const start = before < 0 ? 0 : (ends[before] as number);
    const end = ends[right] as number;
    const merge = rule.find(symbols[left] as number, symbols[right] as number, start, end);
    if (merge >= 0) this.#push((rule.ranks[merge] as number) * 2 ** 32 + left, end - start, merge);
  }

  #push(key: number, length: number, merge: number): void {
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#keys[parent] as number) <= key) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#set(at, key, length, merge);
  }

  #pop(): void {
    const last = --this.#size;
    const key = this.#keys[last] as number;
    let at = 0;
    for (let child = 1; child < last; child = 2 * at + 1) {
      if (child + 1 < last && (this.#keys[child + 1] as number) < (this.#keys[child] as number)) child++;
      if ((this.#keys[child] as number) >= key) break;
      this.#move(child, at);
      at = child;
    }
    this.#set(at, key, this.#lengths[last] as number, this.#merges[last] as number);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#keys[from] as number, this.#lengths[from] as number, this.#merges[from] as number);
  }

  #set(at: number, key: number, length: number, merge: number): void {
    this.#keys[at] = key;
    this.#lengths[at] = length;
    this.#merges[at] = merge;
  }
}
