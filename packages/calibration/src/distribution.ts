import { logSumExp } from "@longtab/engine";

/** What another way of attending made of a distribution. */
export interface Difference {
  /** KL(reference || other) in nats. */
  kl: number;
  /** Whether the most probable token is the same. */
  same: boolean;
}

/** Compares the distributions of two rows of logits [vocabulary]; sums are f64, so that a KL of 1e-7 is one. */
export function compareLogits(reference: Float32Array, other: Float32Array): Difference {
  const [normalizer, otherNormalizer] = [logSumExp(reference), logSumExp(other)];
  let kl = 0;
  // By index: iterating over the entries of 50,000 logits takes longer than a step of a small model.
  for (let id = 0; id < reference.length; id++) {
    const logprob = (reference[id] ?? 0) - normalizer;
    // What a reference hardly ever says weighs nothing, and is most of the vocabulary.
    if (logprob < -40) continue;
    kl += Math.exp(logprob) * (logprob - ((other[id] ?? 0) - otherNormalizer));
  }
  // Rounding makes a KL of equal distributions a little negative.
  return { kl: Math.max(0, kl), same: mostProbable(reference) === mostProbable(other) };
}

/** ln p of a token. */
export function logProbability(logits: Float32Array, id: number): number {
  return (logits[id] ?? Number.NaN) - logSumExp(logits);
}

/** The id of the largest logit, the first of equals. */
export function mostProbable(logits: Float32Array): number {
  let best = 0;
  let largest = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] ?? -Infinity;
    if (logit <= largest) continue;
    largest = logit;
    best = id;
  }
  return best;
}
