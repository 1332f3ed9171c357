/** The middle of the values; the mean of the two middle ones where their number is even. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** NaN for none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** How far the values lie apart: (largest - smallest) / median; 0 for a single one. */
export function spread(values: readonly number[]): number {
  return values.length < 2 ? 0 : (Math.max(...values) - Math.min(...values)) / median(values);
}

/**
 * How many times `theirs` goes into `ours`: the median of the ratios run by run. Runs of one round lie side by side in time, so that what else
 * the machine does changes both, and leaves their ratio alone.
 */
export function medianRatio(ours: readonly number[], theirs: readonly number[]): number {
  return median(pairRatios(ours, theirs));
}

/** The ratio of each round that both measured. */
export function pairRatios(ours: readonly number[], theirs: readonly number[]): number[] {
  const rounds = Math.min(ours.length, theirs.length);
  return Array.from({ length: rounds }, (_, round) => (ours[round] ?? Number.NaN) / (theirs[round] ?? Number.NaN));
}
