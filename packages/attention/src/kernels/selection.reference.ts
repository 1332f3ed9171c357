import type { ClosedPage } from "./closed-page.reference.ts";

/** A candidate page, and the queries that meet it: [heads of the group][E]. */
export interface CandidatePage {
  page: ClosedPage;
  queries: readonly ArrayLike<number>[];
}

/**
 * What share of a group's attention each run of these pages is thought to have, in f64: for each query head the softmax over the runs of
 * sum_c max(q_c, 0) high_c + min(q_c, 0) low_c, over sqrt(E); summed over the heads.
 */
export function runMasses(pages: readonly CandidatePage[]): number[] {
  const boxes = pages.flatMap(({ page: { highs, lows }, queries }) => highs.map((high, run) => ({ high, low: lows[run] ?? [], queries })));
  const masses = boxes.map(() => 0);
  for (let head = 0; head < (pages[0]?.queries.length ?? 0); head++) {
    const scores = boxes.map(({ high, low, queries }) => {
      const query = queries[head] ?? [];
      const products = high.map((h, c) => Math.max(query[c] ?? NaN, 0) * h + Math.min(query[c] ?? NaN, 0) * (low[c] ?? NaN));
      return products.reduce((sum, x) => sum + x, 0) / Math.sqrt(query.length);
    });
    const largest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - largest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [run, weight] of weights.entries()) masses[run] = (masses[run] ?? 0) + weight / total;
  }
  return masses;
}

/** Indices of the `count` largest masses, in order; of equal ones the first. */
export function bestRuns(masses: readonly number[], count: number): number[] {
  return Array.from(masses, (_, run) => run)
    .sort((a, b) => (masses[b] ?? NaN) - (masses[a] ?? NaN) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);
}
