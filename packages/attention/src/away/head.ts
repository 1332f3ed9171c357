import { rollbackTokens } from "../head-pages.ts";
import type { HeadPages } from "../head-pages.ts";
import { isResident, pageTokens, pagesFor } from "../page.ts";
import type { HeadPage, PageForm, ResidentPage } from "../page.ts";
import { movesAway, residentPage, windowPage } from "../policies/policy.ts";
import type { AwayPages, PagePool } from "../pool.ts";

/** Position of the first page of a head that is away or came back. */
export function firstAway({ pages, rule, moved }: HeadPages): number | undefined {
  const first = pages[pagesFor(rule.sinks)];
  return first && first.position < moved ? first.position : undefined;
}

/** Positions of pages in the pool that rows at `length` and later, and rows a rollback before it, need not find there. */
export function leaving(head: HeadPages, length: number): number[] {
  if (!movesAway(head.rule)) return [];
  const first = Math.max(pagesFor(head.rule.sinks), head.movedPages);
  return head.pages
    .slice(first, Math.max(first, head.indexOf(residentFrom(head, length))))
    .filter(isResident)
    .map(({ position }) => position);
}

/** Position of the first page that is in the pool whatever rows at `length` look at. */
export function residentFrom({ rule }: HeadPages, length: number): number {
  return residentPage(rule, length - rollbackTokens) * pageTokens;
}

/** Pages that are away and that rows at `length` and later see whatever is selected. */
export function missing(head: HeadPages, length: number): HeadPage[] {
  const seen = head.pages.slice(head.indexOf(windowPage(head.rule, length) * pageTokens));
  return seen.filter(({ form }) => form === "away");
}

/** Moves a page of a head away, or again where it came back. */
export function leave(pool: PagePool, away: AwayPages, head: HeadPages, index: number): void {
  const page = head.pages[index];
  if (!page || !isResident(page)) return;
  const stub = page.stub ?? away.leave(head.layer, page.page, page.form);
  head.pages[index] = { page: stub, position: page.position, form: "away" };
  pool.release(head.layer, page.page, page.form);
}

/** Takes a page of the pool for one that is away and begins at `position`; `form` is that of complete pages. */
export function bringBack(pool: PagePool, head: HeadPages, position: number, form: PageForm): ResidentPage {
  const index = head.indexOf(position);
  const page: ResidentPage = { page: pool.allocate(head.layer, form), position, form, stub: head.pages[index]?.page ?? NaN };
  head.pages[index] = page;
  return page;
}

/** Whether the page that begins at `position` was away and came back because steps look at it. */
export function isReturned(head: HeadPages, position: number): boolean {
  const page = head.at(position);
  return page?.stub !== undefined && position < head.moved;
}

/** Positions of all such pages. */
export function returnedPages({ pages, movedPages }: HeadPages): number[] {
  return pages.slice(0, movedPages).flatMap(({ position, stub }) => (stub === undefined ? [] : [position]));
}
