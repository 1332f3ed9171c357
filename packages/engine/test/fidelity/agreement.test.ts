import { describe, expect, test } from "vitest";
import { agreement, compareStep, negativeLogLikelihood } from "./agreement.ts";
import { loadReference, type ReferenceStep } from "./reference.ts";

const reference = loadReference();

/** Four ids: p = 1/2, 1/4 recorded, and two of 1/8 each, drawn once each. */
const small: ReferenceStep = {
  logprob: Math.log(1 / 4),
  logSumExp: 0,
  topIds: Uint16Array.of(2, 0),
  topLogprobs: Float32Array.of(Math.log(1 / 2), Math.log(1 / 4)),
  tailMass: 1 / 4,
  tailIds: Uint16Array.of(3, 1),
  tailLogprobs: Float32Array.of(Math.log(1 / 8), Math.log(1 / 8)),
};

/** Standard normal numbers from a seed (Park and Miller's generator, Box and Muller's transform). */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** The recorded step behind each distribution that is kept whole. */
const whole = reference.whole.map(({ case: name, step, logprobs }) => {
  const item = reference.cases.find((candidate) => candidate.name === name);
  const recorded = item?.steps[step];
  const forced = item?.continuationIds[step];
  if (!recorded || forced === undefined) throw new Error(`no step ${step} in case ${name}`);
  return { recorded, forced, logprobs };
});

/** What is wrong with a recorded step, in words; `forced` is the id that it was recorded for. */
function faultsOf(step: ReferenceStep, forced: number): string[] {
  const { topIds, topLogprobs, tailIds, tailMass, logprob } = step;
  const total = topLogprobs.reduce((sum, value) => sum + Math.exp(value), tailMass);
  const last = topLogprobs.at(-1) ?? NaN;
  const forcedRank = topIds.indexOf(forced);
  const checks = {
    "probabilities do not sum to 1": Math.abs(total - 1) < 1e-5,
    "top ids are not in order": topLogprobs.every((value, rank) => rank === 0 || value <= (topLogprobs[rank - 1] ?? NaN)),
    "an id is among the top twice": new Set(topIds).size === topIds.length,
    "a drawn id is among the top": tailIds.every((id) => !topIds.includes(id)),
    "a drawn id is more probable than the top": step.tailLogprobs.every((value) => value <= last),
    "the forced id's log-probability is not its own": forcedRank < 0 ? logprob <= last : logprob === topLogprobs[forcedRank],
  };
  return Object.entries(checks).flatMap(([fault, passed]) => (passed ? [] : [fault]));
}

describe("the recordings", () => {
  test("hold at least 12 prompts and 600 steps", () => {
    expect(reference.cases.length).toBeGreaterThanOrEqual(12);
    expect(reference.cases.reduce((sum, { steps }) => sum + steps.length, 0)).toBeGreaterThanOrEqual(600);
    for (const { steps, continuationIds, promptIds, llamaCppIds } of reference.cases) {
      expect(steps).toHaveLength(continuationIds.length);
      expect(promptIds.length).toBeGreaterThanOrEqual(1);
      expect(llamaCppIds.length).toBeGreaterThanOrEqual(1);
    }
  });

  test("are probability distributions, best id first", () => {
    const faults = reference.cases.flatMap(({ name, steps, continuationIds }) =>
      steps.flatMap((step, index) => faultsOf(step, continuationIds[index] ?? NaN).map((fault) => `${name}, step ${index}: ${fault}`)),
    );
    expect(faults).toEqual([]);
  });

  test("continue greedy cases with the most probable id", () => {
    const greedy = reference.cases.filter(({ continuation }) => continuation === "greedy");
    expect(greedy.map(({ steps }) => steps.map(({ topIds }) => topIds[0]))).toEqual(greedy.map(({ continuationIds }) => continuationIds));
    expect(greedy.length).toBeGreaterThanOrEqual(5);
  });

  test("score the passage to the mean that was recorded", () => {
    const { ids, nll, meanNll } = reference.passage;
    expect(ids).toHaveLength(1001);
    expect(nll).toHaveLength(1000);
    expect(nll.reduce((sum, value) => sum + value, 0) / 1000).toBeCloseTo(meanNll, 5);
  });

  test("hold one token's activations at every layer", () => {
    const { rows } = reference.activations;
    for (let layer = 0; layer < 30; layer++) expect(rows.get(`layer.${layer}`)).toHaveLength(576);
    expect(rows.get("layer.0.k_rotated")).toHaveLength(192);
    expect([...rows.values()].every((values) => values.every(Number.isFinite))).toBe(true);
  });
});

describe("compareStep", () => {
  test("finds no difference between the reference and itself", () => {
    for (const { recorded, forced, logprobs } of whole) {
      const { sameTop, margin, kl, nllDifference } = compareStep(recorded, forced, logprobs);
      expect(sameTop).toBe(true);
      expect(margin).toBeGreaterThan(0);
      expect(kl).toBeGreaterThanOrEqual(0);
      expect(kl).toBeLessThan(1e-6);
      expect(Math.abs(nllDifference)).toBeLessThan(1e-3);
    }
  });

  test("computes KL over four ids as written out by hand", () => {
    // q is uniform: KL = 1/2 log 2 + 1/4 log 1 + 2 * 1/8 log 1/2.
    const { kl, nllDifference, margin, sameTop } = compareStep(small, 0, new Float32Array(4));
    expect(kl).toBeCloseTo(Math.log(2) / 4, 6);
    expect(nllDifference).toBeCloseTo(0, 6);
    expect(margin).toBeCloseTo(Math.log(2), 6);
    expect(sameTop).toBe(false);
  });

  test("does not change when a constant is added to the logits", () => {
    const logits = Float32Array.of(1, -2, 0.5, 3);
    const moved = compareStep(
      small,
      1,
      logits.map((logit) => logit + 7),
    );
    const { kl, nllDifference } = compareStep(small, 1, logits);
    expect(moved.kl).toBeCloseTo(kl, 5);
    expect(moved.nllDifference).toBeCloseTo(nllDifference, 5);
  });

  test.each([0.01, 0.1])("estimates the KL over the whole vocabulary under noise of %d nats", (deviation) => {
    for (const { recorded, forced, logprobs } of whole) {
      const normal = normals(1);
      const ours = logprobs.map((logprob) => logprob + deviation * normal());
      // Both normalised here: rounding to 16 bits leaves the kept log-probabilities a little off a sum of 1.
      const [normalizer, ourNormalizer] = [logprobs, ours].map((logits) => negativeLogLikelihood(logits, 0) + (logits[0] ?? NaN));
      const terms = Array.from(logprobs, (_, id) => {
        const logp = (logprobs[id] ?? NaN) - (normalizer ?? NaN);
        return Math.exp(logp) * (logp - (ours[id] ?? NaN) + (ourNormalizer ?? NaN));
      });
      const exact = terms.reduce((sum, term) => sum + term, 0);
      const { kl } = compareStep(recorded, forced, ours);
      expect(Math.abs(kl / exact - 1)).toBeLessThan(0.25);
    }
  });

  test("counts logits that are not numbers as a different first id", () => {
    expect(compareStep(small, 0, Float32Array.of(0, 0, 9, NaN)).sameTop).toBe(false);
  });

  test("refuses logits of a smaller vocabulary", () => {
    expect(() => compareStep(small, 0, new Float32Array(3))).toThrow("index 3 is outside an array of 3");
  });
});

describe("agreement", () => {
  test("counts first ids over all steps and over those with a clear margin", () => {
    const summary = agreement([
      { sameTop: true, margin: 0.3, kl: 0.1, nllDifference: 0.5 },
      { sameTop: false, margin: 0.29, kl: 0.2, nllDifference: -0.5 },
      { sameTop: false, margin: 2, kl: 0.3, nllDifference: 0.3 },
      { sameTop: true, margin: 0.1, kl: 0.2, nllDifference: 0.1 },
    ]);
    expect(summary).toMatchObject({ steps: 4, top1: 0.5, clearTop1: 0.5, clearSteps: 2, maxKl: 0.3 });
    expect(summary.meanKl).toBeCloseTo(0.2);
    expect(summary.nllDifference).toBeCloseTo(0.1);
  });
});

test("negativeLogLikelihood is log V for even logits", () => {
  expect(negativeLogLikelihood(new Float32Array(49152).fill(80), 7)).toBeCloseTo(Math.log(49152), 9);
});
