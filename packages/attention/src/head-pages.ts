import { pageTokens, pagesFor } from "./page.ts";
import type { HeadPage, PageForm } from "./page.ts";
import type { PagePool } from "./pool.ts";
import { keptPage } from "./policies/policy.ts";
import type { HeadRule } from "./policies/policy.ts";

/**
 * A row may be rolled back by this many tokens (steps submitted ahead, drafts) without missing a page that its window needs: pages go back
 * that much later.
 */
export const rollbackTokens = 16;

/** Positions of the first token that was given back, behind the sinks' pages, and of the first that is kept again: multiples of 16. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Whether a head that follows `rule` may have this gap when it has read `length` tokens: it misses nothing, and keeps no more than it should. */
export function gapFits(gap: Gap | undefined, rule: HeadRule, length: number): boolean {
  const sinks = pagesFor(rule.sinks) * pageTokens;
  const least = keptPage(rule, length - rollbackTokens) * pageTokens;
  if (!gap) return least <= sinks;
  const most = keptPage(rule, length) * pageTokens;
  return gap.from === sinks && gap.to % pageTokens === 0 && gap.to > sinks && gap.to >= least && gap.to <= most;
}

/** The pages that one KV head of a timeline keeps, in order of position. */
export class HeadPages {
  readonly layer: number;
  readonly kvHead: number;
  readonly rule: HeadRule;
  pages: HeadPage[] = [];
  #gap: Gap | undefined;
  #pool: PagePool;

  constructor(pool: PagePool, layer: number, kvHead: number, rule: HeadRule) {
    this.#pool = pool;
    this.layer = layer;
    this.kvHead = kvHead;
    this.rule = rule;
  }

  /** The last page, where it has room for the token at `position`. */
  openAt(position: number): HeadPage | undefined {
    const last = this.pages.at(-1);
    return last && last.position + pageTokens > position ? last : undefined;
  }

  /** The page that begins at `position`, a multiple of 16. */
  at(position: number): HeadPage | undefined {
    const { from, to } = this.#gap ?? { from: 0, to: 0 };
    const page = this.pages[(position < to ? position : position - (to - from)) / pageTokens];
    return page?.position === position ? page : undefined;
  }

  add(position: number, form: PageForm = "open"): void {
    this.pages.push({ page: this.#pool.allocate(this.layer, form), position, form });
  }

  /** Whether the page that has room for the token at `position` has other holders. */
  isShared(position: number): boolean {
    const open = this.openAt(position);
    return open !== undefined && this.#pool.shared(this.layer, open.page, open.form);
  }

  /** Makes sure that nobody else holds the page that the token at `position` goes to; the index of the page where it is another now. */
  own(position: number): number | undefined {
    const open = this.openAt(position);
    if (!open || !this.isShared(position)) return undefined;
    const copy = this.#pool.allocate(this.layer, "open");
    this.#pool.copy(this.layer, open.page, copy);
    this.replace(this.pages.length - 1, copy, "open");
    return this.pages.length - 1;
  }

  /** Slots of `tokens` tokens from `position` on; the pages end with those that hold them. */
  slots(position: number, tokens: number): Uint32Array {
    const slots = new Uint32Array(tokens);
    for (const { page, position: first } of this.pages.slice(-(pagesFor(tokens) + 1))) {
      const end = Math.min(first + pageTokens, position + tokens);
      for (let at = Math.max(first, position); at < end; at++) slots[at - position] = page * pageTokens + (at - first);
    }
    return slots;
  }

  /** Whether the token at `position` is in the gap. */
  gaveBack(position: number): boolean {
    return this.#gap !== undefined && position >= this.#gap.from && position < this.#gap.to;
  }

  /** What was given back. */
  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** Begins anew with a gap, before the first page is added. */
  begin(gap: Gap | undefined): void {
    this.#gap = gap;
  }

  /** Puts another page in the place of one. */
  replace(index: number, page: number, form: PageForm): void {
    const old = this.pages[index] as HeadPage;
    this.pages[index] = { page, position: old.position, form };
    this.#pool.release(this.layer, old.page, old.form);
  }

  /** Gives back what rows at `length` and later do not see, and rows a rollback before it neither; the index of the first page that changed. */
  evict(length: number): number | undefined {
    const kept = keptPage(this.rule, length - rollbackTokens) * pageTokens;
    if (kept <= (this.#gap?.to ?? 0)) return undefined;
    const sinks = this.pages.findIndex(({ position }) => position >= this.rule.sinks);
    const end = this.pages.findIndex(({ position }) => position >= kept);
    if (sinks < 0 || end <= sinks) return undefined;
    for (const { page, form } of this.pages.splice(sinks, end - sinks)) this.#pool.release(this.layer, page, form);
    this.#gap = { from: pagesFor(this.rule.sinks) * pageTokens, to: kept };
    return sinks;
  }

  /** The length that a rollback to `length` ends at: less where a page that is closed, or one that was given back, would have to be written again. */
  rollbackTo(length: number): number {
    const page = this.pages.findLast(({ position }) => position < length);
    const end = page?.form === "closed" && length < page.position + pageTokens ? page.position : length;
    return this.holds(end) ? end : 0;
  }

  /** Whether everything is there that rows at `length` and later may see. */
  holds(length: number): boolean {
    if (!this.#gap || length <= this.#gap.from) return true;
    return this.rule.sinks <= this.#gap.from && keptPage(this.rule, length) * pageTokens >= this.#gap.to;
  }

  /** Gives back every page from `length` on; the index of the first. */
  truncate(length: number): number {
    const index = this.pages.findIndex(({ position }) => position >= length);
    const from = index < 0 ? this.pages.length : index;
    for (const { page, form } of this.pages.splice(from)) this.#pool.release(this.layer, page, form);
    if (this.#gap && length <= this.#gap.from) this.#gap = undefined;
    return from;
  }

  /** The same pages for another holder. */
  fork(rule: HeadRule): HeadPages {
    const fork = new HeadPages(this.#pool, this.layer, this.kvHead, rule);
    fork.#gap = this.#gap;
    for (const { page, form } of this.pages) this.#pool.retain(this.layer, page, form);
    fork.pages = this.pages.slice();
    return fork;
  }
}
