import { LongtabError } from "@longtab/errors";
import { rollbackTokens } from "./head-pages.ts";
import { pageTokens, pagesFor } from "./page.ts";
import type { CacheShape } from "./page.ts";
import { meetsFar, movesAway, selectedCapacity } from "./policies/policy.ts";
import type { HeadRule, Policy } from "./policies/policy.ts";
import type { PageCounts } from "./pool.ts";

/** What decides how many pages a timeline takes. */
export interface CachePlanOptions {
  /** Tokens that a head keeps at most where its rule keeps everything. */
  maxTokens: number;
  /** Most tokens of a step. */
  maxStep: number;
  /** Whether complete pages move to the closed form. */
  closes: boolean;
  /** Forks of the timeline that may be held beside it. */
  forks: number;
}

/** Most pages that a timeline and its forks hold at once, by layer. */
export function planPages(
  { layers, kvHeads }: CacheShape,
  policy: Policy,
  { maxTokens, maxStep, closes, forks }: CachePlanOptions,
): PageCounts[] {
  // What a step writes, the page that it begins in, and one that waits to be released.
  const writing = pagesFor(maxStep) + 2;
  return Array.from({ length: layers }, (_, layer) => {
    const counts: PageCounts = { open: 0, closed: 0 };
    for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
      const rule = policy.rule(layer, kvHead);
      const { recent, sinks, keeps } = rule;
      // A fork has a last page of its own, and a window of its own where the timeline goes on without it.
      const forked = forks * (1 + (Number.isFinite(keeps) ? pagesFor(Math.min(recent + sinks, maxTokens)) : 0));
      const held = pooledPages(rule, maxTokens, maxStep) + forked;
      counts.open += closes ? writing + forks : held;
      counts.closed += closes ? held : 0;
    }
    return counts;
  });
}

/** Most entries that a list has in any step. Whole multiples of 256 bytes of entries. */
export function listCapacity(
  { layers, kvHeads }: Pick<CacheShape, "layers" | "kvHeads">,
  policy: Policy,
  maxTokens: number,
  maxStep: number,
): number {
  let most = 0;
  for (let layer = 0; layer < layers; layer++) {
    for (let kvHead = 0; kvHead < kvHeads; kvHead++) most = Math.max(most, headPages(policy, layer, kvHead, maxTokens, maxStep));
  }
  return Math.ceil(most / pageTokens) * pageTokens;
}

/**
 * Whether a timeline may have a policy of its own, in a cache that was planned for another.
 * @throws LongtabError `invalid-option` where its lists are longer, it selects more or otherwise, or it reaches further.
 */
export function checkPlanned(shape: CacheShape, planned: Policy, wanted: Policy, maxTokens: number, maxStep: number): void {
  if (planned === wanted) return;
  const [had, needs] = [planned.selection, wanted.selection];
  const selects = !needs || (had && had.runTokens === needs.runTokens && selectedCapacity(needs) <= selectedCapacity(had));
  const reaches = !meetsFar(wanted) || meetsFar(planned);
  const lists = listCapacity(shape, wanted, maxTokens, maxStep) <= listCapacity(shape, planned, maxTokens, maxStep);
  if (selects && reaches && lists) return;
  throw new LongtabError({
    code: "invalid-option",
    what: !selects
      ? "The model was not loaded for a context that selects as much"
      : reaches
        ? "The model was not loaded for a context that keeps as much"
        : "The model was not loaded for far memory",
    value: wanted.name,
    limit: planned.name,
    remedy: "load the model again with this context",
  });
}

/** Most pages on the list of one head: all; or sinks, those kept, a step's own and those that a rollback may need. */
export function headPages(policy: Policy, layer: number, kvHead: number, maxTokens: number, maxStep: number): number {
  return mostPages(policy.rule(layer, kvHead), policy.rule(layer, kvHead).keeps, maxTokens, maxStep);
}

/** Of those, the most that are in the pool: with pages that came back. */
function pooledPages(rule: HeadRule, maxTokens: number, maxStep: number): number {
  return mostPages(rule, rule.resident + rule.returns, maxTokens, maxStep);
}

function mostPages({ sinks, from }: HeadRule, kept: number, maxTokens: number, maxStep: number): number {
  if (!Number.isFinite(kept)) return pagesFor(maxTokens);
  const step = pagesFor(maxStep + rollbackTokens) + 1;
  return Math.max(pagesFor(sinks) + pagesFor(kept), Number.isFinite(from) ? pagesFor(from) : 0) + step;
}

/** Most stubs of a timeline at once, by layer. */
export function planStubs({ layers, kvHeads }: CacheShape, policy: Policy, maxStep: number): number[] {
  return Array.from({ length: layers }, (_, layer) => {
    let stubs = 0;
    for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
      const rule = policy.rule(layer, kvHead);
      if (movesAway(rule)) stubs += pagesFor(rule.keeps - rule.resident) + pagesFor(maxStep + rollbackTokens) + 1;
    }
    return stubs;
  });
}
