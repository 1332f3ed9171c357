import type { ContextCell, ContextFigures, ForkFigures, SnapshotFigures } from "./context/figures.ts";
import { beyondCopy, cellOf, lengthsOf, memoryShare, millisecondsOf, policiesOf, selectionShare, timeRatio } from "./context/figures.ts";
import type { Outcome } from "./report.ts";
import { formatNumber, formatRatio, formatShare, formatTable } from "./table.ts";

/** What each policy costs at each length: time, memory, and the choosing of what to read; then how fast the text was read, and what copies cost. */
export function printContext(figures: ContextFigures): string {
  const { where, clock, precision, streaming, fork, snapshot } = figures;
  const counted = clock === "processor" ? "; times are the processor's" : "";
  const heads = streaming === undefined ? "no head map: all heads retrieve" : `${formatShare(streaming)} of the heads stream`;
  return [
    `${where}; keys and values in ${precision}; ${heads}${counted}`,
    printTimes(figures),
    printCells(
      figures,
      "KV MB (of dense f16)",
      (cell) => `${formatNumber(cell.kvBytes / 1e6)} (${formatShare(memoryShare(figures, cell))})`,
    ),
    printCells(figures, "choosing what to read", (cell) => formatShare(selectionShare(cell))),
    printPrefill(figures),
    printed("A fork", fork, printFork),
    printed("A snapshot", snapshot, printSnapshot),
  ].join("\n\n");
}

/** Beside the times their growth from each length to the next. */
function printTimes(figures: ContextFigures): string {
  const lengths = lengthsOf(figures);
  const steps = lengths.slice(1).map((to, index) => ({ from: lengths[index] ?? 0, to }));
  const titles = ["ms per token", ...lengths.map(String), ...steps.map(({ from, to }) => `${to} / ${from}`), "of dense"];
  return table(
    titles,
    policiesOf(figures).map((policy) => {
      const cells = lengths.map((tokens) => cellOf(figures, policy, tokens));
      const growth = steps.map(({ from, to }) => timeRatio(cellOf(figures, policy, to), cellOf(figures, policy, from)));
      const compared = lengths.findLast((tokens) => cellOf(figures, "dense", tokens) !== undefined) ?? 0;
      const ofDense = timeRatio(cellOf(figures, policy, compared), cellOf(figures, "dense", compared));
      const against = Number.isNaN(ofDense) ? "-" : `${formatRatio(ofDense)} at ${compared}`;
      const times = cells.map((cell) => (cell ? formatNumber(millisecondsOf(cell)) : "-"));
      return [policy as string].concat(times, growth.map(formatRatio), against);
    }),
  );
}

function printCells(figures: ContextFigures, title: string, print: (cell: ContextCell) => string): string {
  const lengths = lengthsOf(figures);
  return table(
    [title, ...lengths.map(String)],
    policiesOf(figures).map((policy) => {
      const cells = lengths.map((tokens) => cellOf(figures, policy, tokens));
      return [policy as string].concat(cells.map((cell) => (cell ? print(cell) : "-")));
    }),
  );
}

function printPrefill(figures: ContextFigures): string {
  const { prefill, read } = figures;
  const repeated = Math.max(...lengthsOf(figures)) > read ? `\nBehind ${read} tokens their keys and values were repeated.` : "";
  const rows = table(
    ["reading", "s", "tok/s"],
    prefill.map(({ from, to, seconds }) => [`tokens ${from} to ${to}`, formatNumber(seconds), formatNumber((to - from) / seconds)]),
  );
  return rows + repeated;
}

function printFork({ tokens, milliseconds, pages, firstStepPages, heads }: ForkFigures): string {
  const taken = `takes ${formatNumber(milliseconds)} ms and ${pages} pages`;
  return `A fork at ${tokens} tokens ${taken}; its first step takes ${firstStepPages} pages, for ${heads} heads.`;
}

function printSnapshot(figures: SnapshotFigures): string {
  const { tokens, bytes, writeSeconds, restoreSeconds } = figures;
  const { write, restore } = beyondCopy(figures);
  return [
    `A session of ${tokens} tokens is ${formatNumber(bytes / 1e6)} MB. To write it takes ${formatNumber(writeSeconds)} s, to restore it`,
    `${formatNumber(restoreSeconds)} s: ${formatNumber(write)} and ${formatNumber(restore)} s beyond a copy of the bytes.`,
  ].join(" ");
}

function printed<T>(what: string, outcome: Outcome<T>, print: (figures: T) => string): string {
  return outcome.state === "measured" ? print(outcome) : `${what}: not measured: ${outcome.reason}`;
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return formatTable(
    titles.map((title, index) => ({ title, align: index === 0 ? "left" : "right" })),
    rows,
  );
}
