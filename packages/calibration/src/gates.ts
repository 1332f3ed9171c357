import { duoPolicy, headCount } from "./masks.ts";
import type { HeadIndex, HeadSettings } from "./masks.ts";
import type { Probe } from "./probe.ts";
import { SeededRandom } from "./random.ts";
import { total } from "./rank-heads.ts";

export interface GateOptions {
  /** Heads that shall stream. */
  count: number;
  /** Sets of heads that are tried. */
  trials: number;
  seed: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * DuoAttention's objective without gradients: the distance of the output, plus a price for every head that reads everything. Gates are the probabilities
 * that heads do; sets of streaming heads are drawn from them, their losses measured, and a linear model of the loss fitted to all that were measured, by
 * ridge regression around the scores of single heads. With a linear model the objective's minimum is at gates of 0 and 1: the `count` heads that
 * cost least stream.
 * @param scores what each head costs alone, in nats.
 * @returns what each head costs among others that stream, in nats.
 */
export async function fitGates(
  probe: Probe,
  settings: HeadSettings,
  scores: readonly number[],
  { count, trials, seed, signal, onProgress }: GateOptions,
): Promise<number[]> {
  const random = new SeededRandom(seed);
  const heads = headCount(settings.shape);
  const model = new LinearLoss(scores);
  for (let trial = 0; trial < trials; trial++) {
    onProgress?.(trial, trials);
    const streaming = draw(model.costs, count, random);
    model.add(
      Float64Array.from({ length: heads }, (_, head) => Number(streaming.has(head))),
      total(await probe.measure(duoPolicy(settings, streaming), signal)),
    );
  }
  return [...model.costs];
}

/** `count` heads, the cheap ones more probably: the order of the costs, shaken by a fifth of the ranks. */
function draw(costs: ArrayLike<number>, count: number, random: SeededRandom): Set<HeadIndex> {
  const heads = Array.from(costs, (cost, head) => ({ cost, head })).toSorted((a, b) => a.cost - b.cost);
  const shaken = heads.map(({ head }, rank) => ({ head, place: rank + (random.next() - 0.5) * 0.4 * heads.length }));
  return new Set(
    shaken
      .toSorted((a, b) => a.place - b.place)
      .slice(0, count)
      .map(({ head }) => head),
  );
}

/**
 * loss = costs · streams, fitted as measurements come (recursive least squares). Before any, the costs are the prior's, and as uncertain as costs
 * are large: a head that hardly matters alone may matter much where another that could stand in for it streams too.
 */
class LinearLoss {
  readonly costs: Float64Array;
  /** Covariance of the costs, [heads, heads]; rows of a symmetric matrix. */
  readonly #covariance: Float64Array[];
  /** Variance that a measured loss has besides: what is not linear about it. */
  readonly #noise: number;

  constructor(prior: readonly number[]) {
    this.costs = Float64Array.from(prior);
    const typical = prior.reduce((sum, cost) => sum + cost, 0) / prior.length;
    this.#noise = (2 * typical) ** 2;
    this.#covariance = prior.map((cost, head) => Float64Array.from(prior, (_, other) => (head === other ? (cost / 2 + typical) ** 2 : 0)));
  }

  add(streams: Float64Array, loss: number): void {
    const gain = this.#covariance.map((row) => dot(row, streams));
    const variance = dot(gain, streams) + this.#noise;
    const surprise = loss - dot(this.costs, streams);
    for (const [head, row] of this.#covariance.entries()) {
      const share = (gain[head] ?? 0) / variance;
      this.costs[head] = (this.costs[head] ?? 0) + share * surprise;
      for (let other = 0; other < row.length; other++) row[other] = (row[other] ?? 0) - share * (gain[other] ?? 0);
    }
  }
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}
