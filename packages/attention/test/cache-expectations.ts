import { expect } from "vitest";
import { headPages, pageTokens } from "../src/index.ts";
import type { CacheShape, HeadRule, Policy } from "../src/index.ts";
import type { NamedTokens, SeenToken } from "./kernels.ts";
import type { MemoryPool } from "./memory-pool.ts";

export const shape: CacheShape = { layers: 2, heads: 4, kvHeads: 2, headSize: 16 };
export const trained = 256;
export const keeps = 640;
export const maxStep = 48;
/** Tokens that a timeline may be rolled back by without losing more. */
export const rollback = 16;

export const heads = Array.from(
  { length: shape.layers * shape.kvHeads },
  (_, index) => [Math.floor(index / shape.kvHeads), index % shape.kvHeads] as const,
);

export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}

/** What a row at `at` sees by its head's rule, in the words of the rule: not by pages and lists. */
function visible({ sinks, recent, from }: HeadRule, at: number): number[] {
  const page = (position: number): number => Math.floor(position / pageTokens);
  return range(0, at + 1).filter((position) => at < from || position < sinks || page(position) >= page(at) - recent / pageTokens);
}

/** Where the query of a row at `at` should stand for a token. */
function queryPosition({ name }: Policy, { sinks }: HeadRule, at: number, position: number, seen: number): number {
  if (name === "dense" || position >= sinks) return at;
  // Positions inside the cache: as if what is seen were all that there is.
  if (name === "streaming") return seen - 1;
  return Math.min(at, trained - 1);
}

/** Many tokens are compared at once: by the first that is another. */
function expectSeen(seen: readonly SeenToken[], expected: readonly SeenToken[]): void {
  const wrong = expected.findIndex(({ position, token, queryAt }, index) => {
    const found = seen[index];
    return found?.position !== position || found.token !== token || found.queryAt !== queryAt;
  });
  if (wrong >= 0) expect(seen[wrong]).toEqual(expected[wrong]);
  expect(seen.length).toBe(expected.length);
}

/** Compares what the rows of the last step attend with what they should. */
export function expectLists(timeline: NamedTokens, rows: number, sample: (rows: number) => number[]): void {
  const { cache, policy } = timeline;
  for (const [layer, kvHead] of heads) {
    const rule = policy.rule(layer, kvHead);
    const entries = timeline.entries(layer, kvHead);
    expect(entries.every(({ position }, index) => index === 0 || position > (entries[index - 1]?.position ?? NaN))).toBe(true);
    if (rows === 1 && rule.selects && cache.length > Math.min(rule.from, policy.selection?.from ?? Infinity)) {
      expectCandidates(timeline, layer, kvHead, rule);
      continue;
    }
    const { length, first, end } = timeline.record(layer, kvHead);
    expect([first, end]).toEqual([length, length]);
    for (const row of sample(rows)) {
      const at = cache.length - rows + row;
      const positions = visible(rule, at);
      const expected = positions.map((position) => ({
        position,
        token: timeline.nameOf(layer, kvHead, timeline.tokens[position] ?? NaN),
        queryAt: queryPosition(policy, rule, at, position, positions.length),
      }));
      expectSeen(timeline.seen(layer, kvHead, row), expected);
    }
  }
}

/** A decode step of a head that selects: the list is what is kept, and the candidates are complete pages of it with boxes. */
function expectCandidates(timeline: NamedTokens, layer: number, kvHead: number, rule: HeadRule): void {
  const { cache, policy } = timeline;
  const at = cache.length - 1;
  const entries = timeline.entries(layer, kvHead);
  const kept = new Set(entries.map(({ position }) => position / pageTokens));
  const firstKept = at < rule.from ? 0 : Math.floor(at / pageTokens) - Math.ceil(rule.keeps / pageTokens);
  for (let page = 0; page <= at / pageTokens; page++)
    if (page * pageTokens < rule.sinks || page >= firstKept) expect(kept.has(page)).toBe(true);
  // A rollback may need a little more; nothing else stays.
  expect([...kept].every((page) => page * pageTokens < rule.sinks || page >= firstKept - 1)).toBe(true);
  const seen = timeline.seen(layer, kvHead, 0);
  const expected = seen.map(({ position }) => ({
    position,
    token: timeline.nameOf(layer, kvHead, timeline.tokens[position] ?? NaN),
    queryAt: Math.floor(position / pageTokens) * pageTokens < rule.sinks ? Math.min(at, trained - 1) : at,
  }));
  expectSeen(seen, expected);
  const { first, end } = timeline.record(layer, kvHead);
  const { selection } = policy;
  if (!selection || at < selection.from) throw new Error("a head selects, and its policy does not");
  const candidates = entries.slice(first, end);
  expect(entries.slice(0, first).every(({ position }) => position < selection.sinks)).toBe(true);
  expect(
    candidates.every(({ position, count }) => position >= selection.sinks && count === pageTokens && position + pageTokens <= at),
  ).toBe(true);
  expect(entries.slice(end).map(({ position }) => position)).toEqual(
    entries
      .map(({ position }) => position)
      .slice(first)
      .slice(-Math.max(1, selection.recent / pageTokens)),
  );
  const { pool } = timeline;
  if (pool.boxes) {
    for (const { page, form } of candidates)
      expect(form === "away" ? pool.away?.at(layer, page).boxed : pool.isBoxed(layer, page, form)).toBe(true);
  }
  if (pool.closes) expect(candidates.every(({ form }) => form !== "open")).toBe(true);
  // What is away is a candidate, of those that a step may look at, and never more than the pool has no room for.
  const moved = timeline.record(layer, kvHead).moved;
  expect(entries.findLastIndex(({ form }) => form === "away")).toBeLessThan(Math.max(first, moved));
  expect(moved).toBeLessThanOrEqual(Math.max(0, end));
}

/** Rolls back, and expects to be left with so many tokens; or with fewer, where one would have to be written again that is not there any more. */
export function expectRollback(timeline: NamedTokens, length: number, closes: boolean): void {
  const { cache, policy } = timeline;
  const { begun } = timeline;
  const before = cache.length;
  const left = timeline.truncate(length);
  expect(cache.length).toBe(left);
  if (left === length) return;
  const pageStart = Math.floor(length / pageTokens) * pageTokens;
  const forgets = heads.some(([layer, kvHead]) => before > policy.rule(layer, kvHead).keeps);
  expect([closes ? pageStart : length, forgets && before - length > 0 ? 0 : pageStart]).toContain(left);
  const least = closes ? pageStart : length;
  expect(left).toBeGreaterThanOrEqual(length >= begun - rollback ? least : 0);
}

/** Pages of a layer: each timeline holds at most what its heads may, and one step's closings twice. */
export function expectPages(pool: MemoryPool, policy: Policy, layer: number, timelines: number): void {
  const most = range(0, shape.kvHeads).reduce((sum, kvHead) => sum + headPages(policy, layer, kvHead, keeps, maxStep), 0);
  const { open, closed } = pool.used(layer);
  const step = shape.kvHeads * (Math.ceil(maxStep / pageTokens) + 1);
  expect(pool.closes ? closed : open).toBeLessThanOrEqual(most * timelines);
  expect(pool.closes ? open : closed).toBeLessThanOrEqual(pool.closes ? step * timelines : 0);
}

/** What is said of pages, against those that are held. */
export function expectUsage({ cache }: NamedTokens, pool: MemoryPool): void {
  const pages = range(0, Math.ceil(cache.length / pageTokens)).flatMap((index) => cache.pagesAt(index * pageTokens).flat());
  const usage = cache.usage();
  expect(usage.sink + usage.recent + usage.kept).toBe(pages.filter(Boolean).length);
  expect(usage.forgotten).toBe(pages.filter((page) => page === undefined).length);
  expect(usage.away).toBe(pages.filter((page) => page?.form === "away").length);
  expect(usage.quantised).toBe(pages.filter((page) => page && (page.form === "closed" || (page.form === "away" && pool.closes))).length);
  expect(usage.quantised > 0 && !pool.closes).toBe(false);
}
