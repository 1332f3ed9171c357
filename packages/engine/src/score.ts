import type { Policy } from "@longtab/attention";
import { LongtabError } from "@longtab/errors";
import type { Backend, Sampling } from "./backend.ts";

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
  /** Rows of one step: 1 takes the path that generation takes, more are faster. Policies other than "dense" have one. */
  rows?: number;
  /** What attention reads and what is kept; the backend's own unless told. */
  policy?: Policy;
  /** Called with each row of logits, for other measures; the array is reused. */
  onLogits?: (step: number, logits: Float32Array) => void;
}

/** Nothing is drawn while a prompt is read. */
const unread: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 0, seed: 0 };

/**
 * Teacher forcing: step j is the distribution that predicts `continuation[j]` after the prompt and the tokens before it.
 * The end of the prompt and the continuation are run `rows` at a time; under a policy, each token of the continuation as when it is generated.
 * @throws LongtabError `empty-prompt`, `context-exceeded`, `device-lost`.
 */
export async function score(
  backend: Backend,
  prompt: Uint32Array,
  continuation: Uint32Array,
  { best = 10, rows = Infinity, onLogits, policy = backend.policy }: ScoreOptions = {},
): Promise<ScoredStep[]> {
  if (prompt.length === 0)
    throw new LongtabError({
      code: "empty-prompt",
      what: "There is no token before the continuation",
      remedy: "give a prompt of at least one token",
    });
  if (continuation.length === 0) return [];
  const timeline = backend.createTimeline(policy);
  const steps: ScoredStep[] = [];
  const take = (logits: Float32Array, row: number): void => {
    const rowLogits = logits.subarray(row * backend.vocabularySize, (row + 1) * backend.vocabularySize);
    onLogits?.(steps.length, rowLogits);
    steps.push(scoreRow(rowLogits, continuation[steps.length] ?? 0, best));
  };
  try {
    // A policy's rows depend on how the prompt before them was read: as when it is generated from.
    const stepwise = policy.name !== "dense";
    const stride = stepwise ? 1 : Math.min(rows, timeline.scoreRows);
    const from = prompt.length - 1;
    if (stepwise) await timeline.prefill(prompt, unread, { onLogits: (logits) => take(logits, 0) });
    else if (from > 0) await timeline.prefill(prompt.subarray(0, from), unread);
    const ids = new Uint32Array([...(stepwise ? [] : prompt.subarray(from)), ...continuation.subarray(0, -1)]);
    for (let at = 0; at < ids.length; at += stride) {
      const chunk = ids.subarray(at, at + stride);
      const logits = await timeline.score(chunk);
      for (let row = 0; row < chunk.length; row++) take(logits, row);
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
