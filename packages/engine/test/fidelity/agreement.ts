/** How far a model's next-token distributions are from the reference's. */
import type { ReferenceStep } from "./reference.ts";

/** One step, compared. */
export interface StepComparison {
  /** Whether both put the same id first. */
  readonly sameTop: boolean;
  /** The reference's first log-probability less its second, in nats: how sure it is of its first. */
  readonly margin: number;
  /** KL(reference || ours) over the whole vocabulary, in nats: see `divergence`. */
  readonly kl: number;
  /** -log p of the forced token: ours less the reference's, in nats. */
  readonly nllDifference: number;
}

/** Many steps, compared. */
export interface Agreement {
  readonly steps: number;
  /** Share of the steps whose first ids are equal. */
  readonly top1: number;
  /** The same among steps where the reference's margin is at least `CLEAR_MARGIN`, and how many those are. */
  readonly clearTop1: number;
  readonly clearSteps: number;
  readonly meanKl: number;
  readonly maxKl: number;
  /** Mean over steps of our NLL less the reference's, sign kept: what perplexity sees. */
  readonly nllDifference: number;
}

/** Nats between the first two from which the first must never change. */
const CLEAR_MARGIN = 0.3;

/**
 * Compares our logits ([V], any constant added) with the reference's distribution at the same step. `forced` is the id that the
 * continuation has here.
 */
export function compareStep(reference: ReferenceStep, forced: number, logits: Float32Array): StepComparison {
  const normalizer = logSumExp(logits);
  const [first = NaN, second = NaN] = reference.topLogprobs;
  return {
    sameTop: argmax(logits) === reference.topIds[0],
    margin: first - second,
    kl: divergence(reference, logits, normalizer),
    nllDifference: reference.logprob - (at(logits, forced) - normalizer),
  };
}

/**
 * KL(p || q) = sum of p log(p / q) over the vocabulary, p the reference's probabilities and q ours. As both sum to 1 it is also the sum
 * of f = p log(p / q) - p + q, and no f is negative. Over the recorded top ids the sum is exact. The rest is P * mean(s - 1 - log s), P
 * being p's mass outside the top ids, s = q / p, and the mean over the ids that were drawn there in proportion to p: an estimate without
 * bias, whose error is small where the models agree because s - 1 - log s is of second order there.
 */
function divergence(reference: ReferenceStep, logits: Float32Array, normalizer: number): number {
  let exact = 0;
  reference.topIds.forEach((id, rank) => {
    const logp = at(reference.topLogprobs, rank);
    exact += Math.exp(logp) * excess(at(logits, id) - normalizer - logp);
  });
  let drawn = 0;
  reference.tailIds.forEach((id, draw) => {
    drawn += excess(at(logits, id) - normalizer - at(reference.tailLogprobs, draw));
  });
  return exact + (reference.tailMass * drawn) / reference.tailIds.length;
}

/** s - 1 - log s for s = exp(x), without cancellation near x = 0. */
function excess(x: number): number {
  return Math.abs(x) < 1e-3 ? (x * x) / 2 + (x * x * x) / 6 : Math.expm1(x) - x;
}

/** Sums up compared steps (at least one). */
export function agreement(steps: readonly StepComparison[]): Agreement {
  const clear = steps.filter(({ margin }) => margin >= CLEAR_MARGIN);
  return {
    steps: steps.length,
    top1: mean(steps, ({ sameTop }) => Number(sameTop)),
    clearTop1: mean(clear, ({ sameTop }) => Number(sameTop)),
    clearSteps: clear.length,
    meanKl: mean(steps, ({ kl }) => kl),
    maxKl: steps.reduce((most, { kl }) => Math.max(most, kl), 0),
    nllDifference: mean(steps, ({ nllDifference }) => nllDifference),
  };
}

/** -log p(id) in nats under the softmax of logits [V]. */
export function negativeLogLikelihood(logits: Float32Array, id: number): number {
  return logSumExp(logits) - at(logits, id);
}

function logSumExp(logits: Float32Array): number {
  const top = at(logits, argmax(logits));
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - top);
  return top + Math.log(sum);
}

/** The first index of the largest value. A NaN is the largest of all, so that it cannot hide. */
function argmax(values: Float32Array): number {
  let best = 0;
  for (let index = 0; index < values.length; index++) {
    const value = at(values, index);
    if (Number.isNaN(value)) return index;
    if (value > at(values, best)) best = index;
  }
  return best;
}

function mean<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0) / items.length;
}

function at(values: Float32Array, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`index ${index} is outside an array of ${values.length}`);
  return value;
}
