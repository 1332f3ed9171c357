import type { Entry } from "./contest.ts";
import type { Measurement, Unit } from "./figures.ts";
import { valuesOf } from "./figures.ts";
import { median, medianRatio, spread } from "./statistics.ts";
import type { Column } from "./table.ts";
import { formatNumber, formatRatio, formatShare, formatTable } from "./table.ts";

/**
 * Medians and spreads. First what peers have measured, too, and behind each peer how many times better Longtab, the first entry, is; then what
 * Longtab alone has; last who did not take part, and why.
 */
export function printContest(entries: readonly Entry[]): string {
  const [own, ...others] = entries;
  if (own === undefined) return "";
  const peers = others.filter(({ measurements }) => measurements.length > 0);
  const shared = own.measurements.filter(({ name }) => peers.some(({ measurements }) => valuesOf(measurements, name).length > 0));
  const alone = own.measurements.filter((measurement) => !shared.includes(measurement));
  const blocks = [printShared(own, peers, shared), printTable([own.name], alone, ({ values }) => [cell(values)]), printFailures(entries)];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function printShared(own: Entry, peers: readonly Entry[], shared: readonly Measurement[]): string {
  const titles = [own.name].concat(peers.flatMap(({ name }) => [name, "Longtab is"]));
  return printTable(titles, shared, ({ name, unit, values }) =>
    [cell(values)].concat(
      peers.flatMap(({ measurements }) => {
        const theirs = valuesOf(measurements, name);
        return [cell(theirs), formatRatio(timesBetter(unit, values, theirs))];
      }),
    ),
  );
}

function printTable(
  titles: readonly string[],
  measurements: readonly Measurement[],
  cells: (measurement: Measurement) => string[],
): string {
  if (measurements.length === 0) return "";
  const columns: Column[] = ["", "", ...titles].map((title, index) => ({ title, align: index < 2 ? "left" : "right" }));
  const rows = measurements.map((measurement) => [measurement.name, measurement.unit].concat(cells(measurement)));
  return formatTable(columns, rows);
}

function printFailures(entries: readonly Entry[]): string {
  return entries
    .filter(({ failure }) => failure !== undefined)
    .map(({ name, failure, measurements }) => `${name} ${measurements.length > 0 ? "stopped" : "not measured"}: ${failure}`)
    .join("\n");
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
