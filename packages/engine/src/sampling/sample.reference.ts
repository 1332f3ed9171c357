import type { Sampling } from "../backend.ts";
import { gumbel, randomBits } from "./noise.ts";

export interface SampleInput {
  logits: Float32Array;
  /** The timeline's ids by absolute position. */
  tokens: Uint32Array;
  sampling: Sampling;
  position: number;
}

export interface SampleResult {
  id: number;
  /**
   * The ids that f32 rounding may draw instead, `id` among them: where the mass kept lies within 1e-5 of top-p, a probability
   * within 1e-5 (relative) of min-p, or two perturbed logits within 1e-5 of one another.
   */
  accepted: number[];
}

const tolerance = 1e-5;
const largest = Math.fround(1e30);

/** `recordSample` by sorting, in f64 but for the scores and distances, which the definition rounds to f32. */
export function sampleReference({ logits, tokens, sampling, position }: SampleInput): SampleResult {
  const scored = [...scores(logits, tokens, sampling, position)];
  if (scored.length === 0) return { id: 0, accepted: [0] };
  const best = scored.reduce((a, b) => (b.score > a.score ? b : a));
  if (sampling.temperature === 0) return { id: best.id, accepted: [best.id] };

  const sorted = scored.map(({ id, score }) => ({ id, distance: Math.fround(best.score - score) })).sort((a, b) => a.distance - b.distance);
  const limits = [-tolerance, 0, tolerance].map((slack) => largestDistance(sorted, sampling, slack)) as [number, number, number];
  const perturbed = sorted
    .filter(({ distance }) => distance <= limits[2])
    .map(({ id, distance }) => ({
      id,
      distance,
      value: gumbel(randomBits(sampling.seed, position, id)) - distance / sampling.temperature,
    }));

  const winner = perturbed.filter(({ distance }) => distance <= limits[1]).reduce((a, b) => (b.value > a.value ? b : a));
  return { id: winner.id, accepted: nearWinners(perturbed, limits[0]) };
}

/** Logits after the repetition penalty, without those that are never drawn. */
function* scores(
  logits: Float32Array,
  tokens: Uint32Array,
  { repetitionPenalty, penaltyWindow }: Sampling,
  position: number,
): Generator<{ id: number; score: number }> {
  const window = new Set(tokens.subarray(Math.max(0, position - penaltyWindow), position));
  for (const [id, raw] of logits.entries()) {
    if (Number.isNaN(raw) || raw === -Infinity) continue;
    const logit = clamped(raw);
    const factor = Math.fround(logit > 0 ? 1 / repetitionPenalty : repetitionPenalty);
    yield { id, score: window.has(id) && raw !== Infinity ? clamped(Math.fround(logit * factor)) : logit };
  }
}

function clamped(logit: number): number {
  return Math.max(-largest, Math.min(largest, logit));
}

/** The distance from the best up to which top-k, top-p and min-p all keep; `slack` moves the thresholds of top-p and min-p. */
function largestDistance(sorted: { distance: number }[], { temperature, topK, topP, minP }: Sampling, slack: number): number {
  const byCount = topK === 0 ? Infinity : (sorted[topK - 1]?.distance ?? Infinity);
  let limit = byCount;
  if (topP < 1) {
    const masses = sorted.filter(({ distance }) => distance <= byCount).map(({ distance }) => Math.exp(-distance / temperature));
    const target = (topP + slack) * masses.reduce((a, b) => a + b, 0);
    let kept = 0;
    let mass = 0;
    while (kept < masses.length && (kept === 0 || mass < target)) mass += masses[kept++] ?? 0;
    limit = sorted[kept - 1]?.distance ?? 0;
  }
  return minP === 0 ? limit : Math.min(limit, Math.max(0, -Math.log(minP * (1 - slack)) * temperature));
}

/** Those that win, or come within the tolerance of it, at some largest distance from `least` on. In order of distance. */
function nearWinners(perturbed: { id: number; distance: number; value: number }[], least: number): number[] {
  const accepted: { id: number; value: number }[] = [];
  let best = -Infinity;
  let start = 0;
  while (start < perturbed.length) {
    const distance = Math.max(least, perturbed[start]?.distance ?? 0);
    let end = start;
    while (end < perturbed.length && (perturbed[end]?.distance ?? 0) <= distance) end++;
    const group = perturbed.slice(start, end);
    for (const { value } of group) best = Math.max(best, value);
    accepted.push(...group.filter(({ value }) => value >= best - tolerance));
    start = end;
  }
  return accepted.map(({ id }) => id);
}
