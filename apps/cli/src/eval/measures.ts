import { estimate, quantile } from "@longtab/calibration";
import type { Estimate } from "@longtab/calibration";
import { readAnew } from "./cells.ts";
import type { Part } from "./parts.ts";

/** One row of a table: everything that the parts of a cell gave. */
export interface Row {
  suite: string;
  cell: string;
  /** By measure. */
  measures: Record<string, Estimate>;
  seconds: number;
}

/**
 * Rows in the order in which their cells stand in `order`, then those of cells of other sizes, which an earlier run measured. Cells that have no part
 * yet are left out.
 */
export function makeRows(
  parts: readonly Part[],
  order: readonly { suite: string; cell: string }[],
  trained: number,
  window: number,
): Row[] {
  const names = new Map([...order, ...parts].map(({ suite, cell }) => [JSON.stringify([suite, cell]), { suite, cell }]));
  return [...names.values()].flatMap(({ suite, cell }) => {
    const own = parts.filter((part) => part.suite === suite && part.cell === cell);
    if (own.length === 0) return [];
    const pooled = pool(own);
    const measures = suite === "streaming" ? streamingMeasures(pooled, parts, cell, trained / window) : tokenMeasures(pooled);
    return [{ suite, cell, measures, seconds: own.reduce((sum, { seconds }) => sum + seconds, 0) }];
  });
}

function tokenMeasures(values: Record<string, number[]>): Record<string, Estimate> {
  const measures = Object.fromEntries(Object.entries(values).map(([name, numbers]) => [name, estimate(numbers)]));
  if (values["kl"]) measures["kl p99"] = { mean: quantile(values["kl"], 0.99), error: 0, count: values["kl"].length };
  return measures;
}

/** Windows over which a drift is averaged. */
const run = 8;

/**
 * Of losses by window. Inside: the windows within what the model was trained for; `drift`: the worst mean of any eight consecutive windows past it,
 * above the mean inside; `drift of its own`: the same of what each window costs above the dense model that reads it anew, for texts are harder here
 * and easier there; `cost inside`: above the dense model on the same windows; `above S 4`: past the trained window, above the run with sinks
 * and as many recents; `growth`: pages that the last window has more than the one that filled the cache.
 */
function streamingMeasures(
  { nll = [], pages = [] }: Record<string, number[]>,
  parts: readonly Part[],
  cell: string,
  inside: number,
): Record<string, Estimate> {
  const other = (name: string): number[] => pool(parts.filter((part) => part.suite === "streaming" && part.cell === name))["nll"] ?? [];
  if (cell === readAnew) return { "nll past": estimate(nll) };
  const [within, past] = [nll.slice(0, inside), nll.slice(inside)];
  const measures: Record<string, Estimate> = { "nll inside": estimate(within) };
  if (past.length > 0) measures["nll past"] = estimate(past);
  if (past.length >= run) measures["drift"] = single(worstRun(past) - estimate(within).mean);
  const dense = other("dense").slice(0, within.length);
  const anew = other(readAnew).slice(0, past.length);
  if (anew.length >= run && dense.length > 0)
    measures["drift of its own"] = single(worstRun(excess(past, anew)) - estimate(excess(within, dense)).mean);
  if (cell !== "dense" && dense.length > 0) measures["cost inside"] = differences(within, dense);
  if (past.length > 0) measures["growth"] = single((pages.at(-1) ?? 0) - (pages[inside - 1] ?? 0));
  const sinks = other(cell.replace("S 0", "S 4")).slice(inside);
  if (cell.startsWith("S 0") && sinks.length > 0 && past.length > 0) measures["above S 4"] = differences(past, sinks);
  return measures;
}

/** Of windows of the same text, whose own differences are larger than what is looked for. */
function differences(ours: readonly number[], theirs: readonly number[]): Estimate {
  return estimate(excess(ours, theirs));
}

function excess(ours: readonly number[], theirs: readonly number[]): number[] {
  return theirs.slice(0, ours.length).map((value, index) => (ours[index] ?? Number.NaN) - value);
}

/** The largest mean of windows that follow each other. */
function worstRun(losses: readonly number[]): number {
  return Math.max(...Array.from({ length: losses.length - run + 1 }, (_, from) => estimate(losses.slice(from, from + run)).mean));
}

function single(mean: number): Estimate {
  return { mean, error: 0, count: 1 };
}

function pool(parts: readonly Part[]): Record<string, number[]> {
  const values: Record<string, number[]> = {};
  for (const part of parts) for (const [name, numbers] of Object.entries(part.values)) (values[name] ??= []).push(...numbers);
  return values;
}
