import { entryWords, pageTokens } from "./page.ts";
import type { CacheShape } from "./page.ts";
import type { ListWriter } from "./policies/policy.ts";
import type { LayerTable } from "./pool.ts";

/** The page lists of one timeline. */
export class PageLists<Table extends LayerTable> {
  /** Entries of one list at most. */
  readonly capacity: number;
  /** [layers, kvHeads, capacity] of four words. */
  readonly entries: Table;
  /** [layers, kvHeads] */
  readonly lengths: Table;
  /** Lengths by layer and KV head, once more. */
  #lengths: number[][];

  constructor({ layers, kvHeads }: CacheShape, capacity: number, entries: Table, lengths: Table) {
    this.capacity = capacity;
    this.entries = entries;
    this.lengths = lengths;
    this.#lengths = Array.from({ length: layers }, () => Array.from({ length: kvHeads }, () => 0));
  }

  /** Lets `write` change one list. */
  update(layer: number, kvHead: number, write: (list: ListWriter) => void): void {
    write({
      entry: (index, page, run = { token: 0, count: pageTokens, rotation: 0 }) => {
        const words = [page.page * pageTokens + run.token, page.position + run.token, run.count, run.rotation];
        this.entries.write(layer, (kvHead * this.capacity + index) * entryWords, words);
      },
      end: (length) => {
        this.#lengths[layer]?.splice(kvHead, 1, length);
        this.lengths.write(layer, kvHead, [length]);
      },
    });
    this.entries.flush();
    this.lengths.flush();
  }

  /** Longest list of any head, in entries: how far decode attention must split. */
  get longest(): number {
    return Math.max(...this.#lengths.flat());
  }
}
