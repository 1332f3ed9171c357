import { LongtabError } from "@longtab/errors";
import type { Backend } from "./backend.ts";

/** A distribution that predicted one token of a continuation. */
export interface ScoredStep {
  /** The most probable ids, best first. */
  top: { id: number; logprob: number }[];
  /** Of the token that came. */
  logprob: number;
}

export interface ScoreOptions {
  /** How many of the best ids to keep; 10 unless told. */
  best?: number;
  /** Rows of one step: 1 takes the path that generation takes, more are faster. */
  rows?: number;
  /** Called with each row of logits, for other measures; the array is reused. */
  onLogits?: (step: number, logits: Float32Array) => void;
}

/**
 * Teacher forcing: step j is the distribution that predicts `continuation[j]` after the prompt and the tokens before it.
 * The last token of the prompt and the continuation are run `rows` at a time.
 * @throws LongtabError `empty-prompt`, `context-exceeded`, `device-lost`.
 */
export async function score(
  backend: Backend,
  prompt: Uint32Array,
  continuation: Uint32Array,
  { best = 10, rows = Infinity, onLogits }: ScoreOptions = {},
): Promise<ScoredStep[]> {
  if (prompt.length === 0)
    throw new LongtabError({
      code: "empty-prompt",
      what: "There is no token before the continuation",
      remedy: "give a prompt of at least one token",
    });
  if (continuation.length === 0) return [];
  const timeline = backend.createTimeline();
  const steps: ScoredStep[] = [];
  try {
    const ids = Uint32Array.of(...prompt, ...continuation.subarray(0, -1));
    const from = prompt.length - 1;
    const stride = Math.min(rows, timeline.scoreRows);
    if (from > 0)
      await timeline.prefill(ids.subarray(0, from), {
        temperature: 0,
        topK: 0,
        topP: 1,
        minP: 0,
        repetitionPenalty: 1,
        penaltyWindow: 0,
        seed: 0,
      });
    for (let at = from; at < ids.length; at += stride) {
      const chunk = ids.subarray(at, at + stride);
      const logits = await timeline.score(chunk);
      for (let row = 0; row < chunk.length; row++) {
        const rowLogits = logits.subarray(row * backend.vocabularySize, (row + 1) * backend.vocabularySize);
        onLogits?.(steps.length, rowLogits);
        steps.push(scoreRow(rowLogits, continuation[steps.length] ?? 0, best));
      }
    }
  } finally {
    timeline.dispose();
  }
  return steps;
}

function scoreRow(logits: Float32Array, forced: number, best: number): ScoredStep {
  const normalizer = logSumExp(logits);
  const top: { id: number; logprob: number }[] = [];
  for (const [id, logit] of logits.entries()) {
    const worst = top[best - 1];
    if (worst && logit - normalizer <= worst.logprob) continue;
    const place = top.findIndex((entry) => entry.logprob < logit - normalizer);
    top.splice(place < 0 ? top.length : place, 0, { id, logprob: logit - normalizer });
    top.length = Math.min(top.length, best);
  }
  return { top, logprob: (logits[forced] ?? NaN) - normalizer };
}

/** log sum e^x in f64. */
export function logSumExp(values: Float32Array): number {
  // By index, and without Math.max: iterating over 50,000 logits takes four times as long.
  let largest = -Infinity;
  for (let id = 0; id < values.length; id++) {
    const value = values[id] ?? -Infinity;
    if (value > largest) largest = value;
  }
  let sum = 0;
  for (let id = 0; id < values.length; id++) sum += Math.exp((values[id] ?? -Infinity) - largest);
  return largest + Math.log(sum);
}
