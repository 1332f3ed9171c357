import { entryWords, headWords, pageTokens, pagesFor, slotOf } from "./page.ts";
import type { CacheShape, HeadPage } from "./page.ts";
import type { LayerTable } from "./pool.ts";
import { windowPage } from "./policies/policy.ts";
import type { HeadRule, Policy, Selection } from "./policies/policy.ts";

/** Stands for a rule's `from` where every row sees everything. */
const never = 0xffff_ffff;

/** Rotations of the query that entries name: a row's own position, and where sinks are met from. */
const ownRotation = 0;
const sinkRotation = 1;

/** The rows that a step's lists are for. */
export interface StepRows {
  /** Positions of the first row and of the last. */
  first: number;
  last: number;
  /** Query rotations that the step carries. */
  rotations: number;
}

/**
 * The page lists of one timeline, as the kernels read them: entries, and a record for each head. Lists are in order of position. Those of a
 * step of one row hold exactly what it attends; those of many rows hold whole pages, all that any row sees, and the kernels test each row
 * against the rule in the record.
 */
export class PageLists<Table extends LayerTable> {
  /** Entries of one list at most. */
  readonly capacity: number;
  /** [layers, kvHeads, capacity] of four words. */
  readonly entries: Table;
  /** [layers, kvHeads] of eight words. */
  readonly heads: Table;
  #shape: CacheShape;
  #policy: Policy;
  /** By layer and KV head. */
  #written: Written[];

  constructor(shape: CacheShape, policy: Policy, capacity: number, entries: Table, heads: Table) {
    this.capacity = capacity;
    this.entries = entries;
    this.heads = heads;
    this.#shape = shape;
    this.#policy = policy;
    this.#written = Array.from({ length: shape.layers * shape.kvHeads }, () => ({ length: 0, whole: 0, record: [] }));
  }

  /** Longest list of any head, in entries: how far decode attention must split. */
  get longest(): number {
    return this.#written.reduce((longest, { length }) => Math.max(longest, length), 0);
  }

  /** Says that pages from index `index` on are not those that were listed. */
  changed(layer: number, kvHead: number, index: number): void {
    const written = this.#at(layer, kvHead);
    written.whole = Math.min(written.whole, index);
    written.window = undefined;
  }

  /** Says that another page is in the place of one. */
  replaced(layer: number, kvHead: number, index: number, page: HeadPage): void {
    const { whole, window } = this.#at(layer, kvHead);
    // Sinks stay where they are; the others are met by the row's own position.
    if (window) this.changed(layer, kvHead, index);
    else if (index < whole) this.#writeEntries(layer, kvHead, index, [slotOf(page), page.position, pageTokens, ownRotation]);
  }

  /** Brings one head's list up to date for a step; the first `moved` pages may be away, or came back. */
  update(layer: number, kvHead: number, pages: readonly HeadPage[], moved: number, rows: StepRows): void {
    const rule = this.#policy.rule(layer, kvHead);
    const written = this.#at(layer, kvHead);
    if (rows.first >= rule.from && !rule.selects) this.#writeWindow(layer, kvHead, pages, rule, rows);
    else this.#writeAll(layer, kvHead, pages, rule, rows);
    const [first, end] = candidates(rule, this.#policy.selection, pages, rows, written.length);
    const from = Number.isFinite(rule.from) ? rule.from : never;
    this.#writeRecord(layer, kvHead, [written.length, first, end, rule.sinks, rule.recent, from, 0, moved]);
  }

  flush(): void {
    this.entries.flush();
    this.heads.flush();
  }

  /** Every page, whole. What is on the list already stays as it is. */
  #writeAll(layer: number, kvHead: number, pages: readonly HeadPage[], rule: HeadRule, { rotations }: StepRows): void {
    const written = this.#at(layer, kvHead);
    const sinks = rotations > 1 ? pagesFor(rule.sinks) : 0;
    // Sinks are met from elsewhere as soon as a step says so.
    if (written.sinks !== sinks) written.whole = 0;
    written.sinks = sinks;
    written.window = undefined;
    const words: number[] = [];
    const from = written.whole;
    for (let index = from; index < pages.length; index++) {
      const page = pages[index] as HeadPage;
      words.push(slotOf(page), page.position, pageTokens, page.position < sinks * pageTokens ? sinkRotation : ownRotation);
    }
    this.#writeEntries(layer, kvHead, from, words);
    written.whole = pages.length;
    written.length = pages.length;
  }

  /** Sinks and what the rows see of the rest. Written anew when a window moves on, every 16 tokens as a rule. */
  #writeWindow(layer: number, kvHead: number, pages: readonly HeadPage[], rule: HeadRule, rows: StepRows): void {
    const written = this.#at(layer, kvHead);
    const start = windowPage(rule, rows.first) * pageTokens;
    const apart = rows.rotations > 1;
    // A row sees only the sinks of a page before its window; where there are many the kernel tests each.
    const cuts = rows.first === rows.last;
    const { window } = written;
    if (window && window.start === start && window.pages === pages.length && window.apart === apart && window.cuts === cuts) return;
    const words: number[] = [];
    for (const page of pages) {
      const inside = page.position >= start;
      if (!inside && page.position >= rule.sinks) continue;
      const count = inside || !cuts ? pageTokens : Math.min(pageTokens, rule.sinks - page.position);
      words.push(slotOf(page), page.position, count, apart && page.position < rule.sinks ? sinkRotation : ownRotation);
    }
    this.#writeEntries(layer, kvHead, 0, words);
    written.whole = 0;
    written.window = { start, pages: pages.length, apart, cuts };
    written.length = words.length / entryWords;
  }

  #writeEntries(layer: number, kvHead: number, index: number, words: number[]): void {
    if (words.length > 0) this.entries.write(layer, (kvHead * this.capacity + index) * entryWords, words);
  }

  #writeRecord(layer: number, kvHead: number, record: number[]): void {
    const written = this.#at(layer, kvHead);
    if (record.every((word, index) => word === written.record[index])) return;
    written.record = record;
    this.heads.write(layer, kvHead * headWords, record);
  }

  #at(layer: number, kvHead: number): Written {
    return this.#written[layer * this.#shape.kvHeads + kvHead] as Written;
  }
}

/** What the tables hold of one head. */
interface Written {
  length: number;
  /** Entries that stand for the pages of the same indices, whole. */
  whole: number;
  /** What the list was written for, where it is that of a window. */
  window?: { start: number; pages: number; apart: boolean; cuts: boolean } | undefined;
  /** Pages of sinks that are met from elsewhere. */
  sinks?: number;
  record: number[];
}

/** Entries among which a decode step selects: whole, complete pages between sinks and recents. */
function candidates(
  rule: HeadRule,
  selection: Selection | undefined,
  pages: readonly HeadPage[],
  { first, last }: StepRows,
  length: number,
): [number, number] {
  if (!rule.selects || !selection || first !== last || last < selection.from) return [length, length];
  let sinks = 0;
  while (sinks < length && (pages[sinks]?.position ?? Infinity) < selection.sinks) sinks++;
  const recents = Math.max(1, pagesFor(selection.recent));
  return [sinks, Math.max(sinks, length - recents)];
}
