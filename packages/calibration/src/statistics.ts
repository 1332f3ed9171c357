/** A mean with its standard error. */
export interface Estimate {
  mean: number;
  /** Of the mean; 0 where there is one value only. */
  error: number;
  count: number;
}

/** The mean of independent values. NaN where there are none. */
export function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: count < 2 ? 0 : Math.sqrt(squares / (count - 1) / count), count };
}

/** The smallest value that at least a share of the values does not exceed. NaN where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
