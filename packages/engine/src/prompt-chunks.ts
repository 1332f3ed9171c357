/** How prompts are cut into steps on a backend. */
export interface PromptChunks {
  /** What a step should take about. */
  seconds: number;
  /** Rows of the first step, before any speed is known. */
  first: number;
  /** Rows below which a step wastes what makes many rows cheap; steps are multiples of it. */
  smallest: number;
  most: number;
}

/**
 * Rows of the next step, with `left` tokens to read, of which the last `apart` have steps of their own; `rate`: tokens a second.
 * A step of one row may read less than one of many, so that none is left over whose rows depend on the machine's speed.
 */
export function chunkSize({ seconds, first, smallest, most }: PromptChunks, rate: number | undefined, left: number, apart: number): number {
  if (left <= apart) return 1;
  const wanted = rate === undefined ? first : Math.floor((rate * seconds) / smallest) * smallest;
  const size = Math.min(left - apart, most, Math.max(smallest, wanted));
  return left - apart - size === 1 ? size - 1 : size;
}

/** Tokens a second of a step; of short ones, which say little about long ones, `before`. */
export function measuredRate({ smallest }: PromptChunks, tokens: number, started: number, before: number | undefined): number | undefined {
  return tokens < smallest ? before : (tokens / (performance.now() - started)) * 1000;
}
