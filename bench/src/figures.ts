/** What the bench's numbers are, before anything is printed. */

export type Unit = "tok/s" | "s" | "ms" | "MB" | "GB/s" | "GFLOP/s" | "per token" | "KB";

/** One number of one run. */
export interface Sample {
  name: string;
  unit: Unit;
  value: number;
}

/** The same number of several runs, in the order in which they were made. */
export interface Measurement {
  name: string;
  unit: Unit;
  values: number[];
}

/** Names of the figures that contestants are compared by. */
export const prefillOf = (tokens: number): string => `prefill, ${tokens} tokens`;
export const decodeAt = (tokens: number): string => `decode at ${tokens} of context`;
export const coldLoad = "load, cold";
export const warmLoad = "load, warm";
export const peakMemory = "peak memory of the page's process";

/** Joins runs by the samples' names; figures stand in the order in which they first appear. */
export function gather(runs: readonly (readonly Sample[])[]): Measurement[] {
  const byName = new Map<string, Measurement>();
  for (const run of runs) {
    for (const { name, unit, value } of run) {
      const known = byName.get(name);
      if (known) known.values.push(value);
      else byName.set(name, { name, unit, values: [value] });
    }
  }
  return [...byName.values()];
}

/** The values of a figure; none where it was not measured. */
export function valuesOf(measurements: readonly Measurement[], name: string): number[] {
  return measurements.find((measurement) => measurement.name === name)?.values ?? [];
}
