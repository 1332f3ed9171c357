import { isResident, pageTokens, pagesFor } from "./page.ts";
import type { HeadPage, PageForm, ResidentPage } from "./page.ts";
import type { PagePool } from "./pool.ts";
import { keptPage, movesAway, windowPage } from "./policies/policy.ts";
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
  // Where pages move away more may be missing: there was no room for them.
  const most = (movesAway(rule) ? windowPage(rule, length) : keptPage(rule, length)) * pageTokens;
  return gap.from === sinks && gap.to % pageTokens === 0 && gap.to > sinks && gap.to >= least && gap.to <= most;
}

/** The pages that one KV head of a timeline keeps, in order of position. */
export class HeadPages {
  readonly layer: number;
  readonly kvHead: number;
  readonly rule: HeadRule;
  pages: HeadPage[] = [];
  #gap: Gap | undefined;
  /** Whether more was given back than the rule says, because there was no room outside. */
  #short = false;
  #moved = 0;
  #pool: PagePool;

  constructor(pool: PagePool, layer: number, kvHead: number, rule: HeadRule) {
    this.#pool = pool;
    this.layer = layer;
    this.kvHead = kvHead;
    this.rule = rule;
  }

  /** Position up to which pages behind the sinks are away, or came back; a multiple of 16. */
  get moved(): number {
    return this.#moved;
  }

  /** Index of the first page that is in the pool whatever steps look at; 0 where none has moved away. */
  get movedPages(): number {
    return this.#moved === 0 ? 0 : this.indexOf(this.#moved);
  }

  /** The last page, where it has room for the token at `position`. */
  openAt(position: number): ResidentPage | undefined {
    const last = this.pages.at(-1);
    return last && isResident(last) && last.position + pageTokens > position ? last : undefined;
  }

  /** Index of the page that begins at `position`, a multiple of 16, where it is kept; else of the first that is kept behind it. */
  indexOf(position: number): number {
    const { from, to } = this.#gap ?? { from: 0, to: 0 };
    return (position < to ? Math.min(position, from) : position - (to - from)) / pageTokens;
  }

  /** The page that begins at `position`, a multiple of 16. */
  at(position: number): HeadPage | undefined {
    const page = this.pages[this.indexOf(position)];
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
    this.#short = gap !== undefined && movesAway(this.rule);
  }

  /** Puts another page in the place of one. */
  replace(index: number, page: number, form: PageForm): void {
    const old = this.pages[index] as HeadPage;
    this.pages[index] = { page, position: old.position, form };
    this.#release(old);
  }

  /** Gives back what rows at `length` and later do not see, and rows a rollback before it neither; the index of the first page that changed. */
  evict(length: number): number | undefined {
    return this.#giveBack(keptPage(this.rule, length - rollbackTokens) * pageTokens);
  }

  /** Gives back more than the rule says, of what is away: every page before `position`; the index of the first page that changed. */
  giveBackAway(position: number): number | undefined {
    const changed = this.#giveBack(Math.min(position, this.#moved));
    this.#short ||= changed !== undefined;
    return changed;
  }

  /** Says that pages before `position` are away now. */
  leftBefore(position: number): void {
    this.#moved = Math.max(this.#moved, position);
  }

  /** The length that a rollback to `length` ends at: less where a page that is closed, or one that was given back, would have to be written again. */
  rollbackTo(length: number): number {
    const page = this.pages.findLast(({ position }) => position < length);
    const written = page && (page.form !== "open" || page.stub !== undefined);
    const end = written && length < page.position + pageTokens ? page.position : length;
    return this.holds(end) ? end : 0;
  }

  /** Whether everything is there, or can come back, that rows at `length` and later may see. */
  holds(length: number): boolean {
    if (!movesAway(this.rule) && this.pages.some(({ form }) => form === "away")) return false;
    if (!this.#gap || length <= this.#gap.from) return true;
    // What is missing only because there was no room for it was looked up, if at all.
    const first = this.#short && movesAway(this.rule) ? windowPage(this.rule, length) : keptPage(this.rule, length);
    return this.rule.sinks <= this.#gap.from && first * pageTokens >= this.#gap.to;
  }

  /** Gives back every page from `length` on; the index of the first. */
  truncate(length: number): number {
    const index = this.pages.findIndex(({ position }) => position >= length);
    const from = index < 0 ? this.pages.length : index;
    for (const page of this.pages.splice(from)) this.#release(page);
    if (this.#gap && length <= this.#gap.from) {
      this.#gap = undefined;
      this.#short = false;
    }
    this.goOnAt(length);
    return from;
  }

  /** Rows at `length` come next: pages that they see whatever is selected do not count among those that moved, if they did. */
  goOnAt(length: number): void {
    this.#moved = Math.min(this.#moved, windowPage(this.rule, length) * pageTokens);
  }

  /** The same pages for another holder. */
  fork(rule: HeadRule): HeadPages {
    const fork = new HeadPages(this.#pool, this.layer, this.kvHead, rule);
    fork.#gap = this.#gap;
    fork.#short = this.#short;
    fork.#moved = this.#moved;
    for (const { page, form, stub } of this.pages) {
      if (form === "away") this.#pool.away?.retain(this.layer, page);
      else this.#pool.retain(this.layer, page, form);
      if (stub !== undefined) this.#pool.away?.retain(this.layer, stub);
    }
    fork.pages = this.pages.slice();
    return fork;
  }

  #giveBack(kept: number): number | undefined {
    if (kept <= (this.#gap?.to ?? 0)) return undefined;
    const sinks = this.pages.findIndex(({ position }) => position >= this.rule.sinks);
    const end = this.pages.findIndex(({ position }) => position >= kept);
    if (sinks < 0 || end <= sinks) return undefined;
    for (const page of this.pages.splice(sinks, end - sinks)) this.#release(page);
    this.#gap = { from: pagesFor(this.rule.sinks) * pageTokens, to: kept };
    return sinks;
  }

  #release({ page, form, stub }: HeadPage): void {
    if (form === "away") this.#pool.away?.release(this.layer, page);
    else this.#pool.release(this.layer, page, form);
    if (stub !== undefined) this.#pool.away?.release(this.layer, stub);
  }
}
