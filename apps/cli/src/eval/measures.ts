import { estimate, quantile } from "@longtab/calibration";
import type { Estimate } from "@longtab/calibration";
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
    const measures = suite === "streaming" ? streamingMeasures(own, parts, trained / window) : tokenMeasures(pool(own));
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
 * Of losses by window, of every turn of a text. Inside: the windows within what the model was trained for; `drift`: the worst mean of any eight
 * consecutive windows past it, above the mean inside: where every turn was measured both are of all the text, so that none of it is harder; `cost inside`:
 * above the dense model on the same windows; `above S 4`: past the trained window, above the run with sinks and as many recents; `growth`: pages that
 * the last window has more than the one that filled the cache, at the worst turn.
 */
function streamingMeasures(own: readonly Part[], parts: readonly Part[], inside: number): Record<string, Estimate> {
  const cell = own[0]?.cell ?? "";
  const losses = own.map(lossesOf);
  const within = losses.flatMap((nll) => nll.slice(0, inside));
  const past = losses.flatMap((nll) => nll.slice(inside));
  const measures: Record<string, Estimate> = { "nll inside": estimate(within) };
  const byWindow = (losses[0] ?? []).map((_, index) => estimate(losses.map((nll) => nll[index] ?? Number.NaN)).mean);
  if (past.length > 0) {
    measures["nll past"] = estimate(past);
    if (byWindow.length >= inside + run) measures["drift"] = single(worstRun(byWindow.slice(inside)) - estimate(within).mean);
    const pages = own.map(({ values }) => values["pages"] ?? []);
    measures["growth"] = single(Math.max(...pages.map((used) => (used.at(-1) ?? 0) - (used[inside - 1] ?? 0))));
  }
  // The first turn is the text as it stands, which the other cells read too.
  const [ours = []] = losses;
  const other = (name: string): number[] => {
    const first = parts.find((part) => part.suite === "streaming" && part.cell === name);
    return first ? lossesOf(first) : [];
  };
  const dense = other("dense").slice(0, inside);
  if (cell !== "dense" && dense.length > 0) measures["cost inside"] = differences(ours, dense);
  const sinks = other(cell.replace("S 0", "S 4")).slice(inside);
  if (cell.startsWith("S 0") && sinks.length > 0) measures["above S 4"] = differences(ours.slice(inside), sinks);
  return measures;
}

function lossesOf({ values }: Part): number[] {
  return values["nll"] ?? [];
}

/** Of windows of the same text, whose own differences are larger than what is looked for. */
function differences(ours: readonly number[], theirs: readonly number[]): Estimate {
  return estimate(theirs.slice(0, ours.length).map((value, index) => (ours[index] ?? Number.NaN) - value));
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
