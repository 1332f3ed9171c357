import type { Entry } from "./contest.ts";
import type { Unit } from "./figures.ts";
import { valuesOf } from "./figures.ts";
import { median, medianRatio, spread } from "./statistics.ts";
import type { Column } from "./table.ts";
import { formatNumber, formatRatio, formatShare, formatTable } from "./table.ts";

/** Medians and spreads of every contestant, and behind each peer how many times better Longtab, the first entry, is. */
export function printContest(entries: readonly Entry[]): string {
  const [own, ...peers] = entries;
  if (own === undefined) return "";
  const measured = peers.filter(({ measurements }) => measurements.length > 0);
  const figures = new Map(entries.flatMap(({ measurements }) => measurements.map(({ name, unit }) => [name, unit])));
  const columns: Column[] = [
    { title: "", align: "left" },
    { title: "", align: "left" },
    { title: own.name, align: "right" },
    ...measured.flatMap(({ name }): Column[] => [
      { title: name, align: "right" },
      { title: "Longtab is", align: "right" },
    ]),
  ];
  const rows = [...figures].map(([name, unit]) => {
    const ours = valuesOf(own.measurements, name);
    const theirs = measured.map(({ measurements }) => valuesOf(measurements, name));
    return [name, unit, cell(ours)].concat(theirs.flatMap((values) => [cell(values), formatRatio(timesBetter(unit, ours, values))]));
  });
  const failures = entries.flatMap(({ name, failure, measurements }) =>
    failure === undefined ? [] : [`${name} ${measurements.length > 0 ? "stopped" : "not measured"}: ${failure}`],
  );
  return [...(figures.size > 0 ? [formatTable(columns, rows)] : []), ...failures].join("\n");
}

/** Above 1 we are better: faster where speed is measured, shorter or smaller otherwise. */
export function timesBetter(unit: Unit, ours: readonly number[], theirs: readonly number[]): number {
  return moreIsBetter(unit) ? medianRatio(ours, theirs) : medianRatio(theirs, ours);
}

function moreIsBetter(unit: Unit): boolean {
  return unit === "tok/s" || unit === "GB/s" || unit === "GFLOP/s";
}

function cell(values: readonly number[]): string {
  if (values.length === 0) return "-";
  const range = values.length > 1 ? ` (${formatShare(spread(values))})` : "";
  return `${formatNumber(median(values))}${range}`;
}
