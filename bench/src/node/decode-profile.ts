import { median } from "../statistics.ts";

/** Where the time of one decode step goes. */
export interface DecodeProfile {
  /** Tokens in the cache before the first step that was timed. */
  context: number;
  clock: "GPU" | "processor";
  /** Longest first; milliseconds are medians over the steps. */
  parts: PartTime[];
}

/** One kind of work in a step. */
export interface PartTime {
  name: string;
  /** Times that it was done, in a step. */
  calls: number;
  milliseconds: number;
}

/** What a step takes on average. */
export function meanTimes(steps: readonly (readonly PartTime[])[]): PartTime[] {
  const times = steps.flat();
  return [...new Set(times.map(({ name }) => name))].map((name) => {
    const same = times.filter((time) => time.name === name);
    const mean = (valueOf: (time: PartTime) => number): number => same.reduce((sum, time) => sum + valueOf(time), 0) / steps.length;
    return { name, calls: mean(({ calls }) => calls), milliseconds: mean(({ milliseconds }) => milliseconds) };
  });
}

/** Medians by name over steps, longest first. Parts that only some steps have count where they are. */
export function medianTimes(steps: readonly (readonly PartTime[])[]): PartTime[] {
  const times = steps.flat();
  return [...new Set(times.map(({ name }) => name))]
    .map((name) => {
      const same = times.filter((time) => time.name === name);
      return { name, calls: median(same.map(({ calls }) => calls)), milliseconds: median(same.map(({ milliseconds }) => milliseconds)) };
    })
    .toSorted((a, b) => b.milliseconds - a.milliseconds);
}
