import type { Sampling } from "../backend.ts";
import { gumbel, randomBits } from "./noise.ts";

/** Logits beyond it count as it, so that no difference overflows: LARGEST of shaders/lib/sampling.wgsl. */
const largest = Math.fround(1e30);
/**
 * Tokens this many temperatures below the best are never drawn, because a Gumbel variate lies between -3.2 and 22.9; and a million of them
 * have less than 1e-6 of the best token's mass.
 */
const reach = 30;
/** Ids of which the best score is noted, so that later looks skip those among which none can be drawn. */
const blockIds = 64;
/** Digits of a distance's 31 bits, the first first. */
const digits = [
  { shift: 20, bits: 11 },
  { shift: 9, bits: 11 },
  { shift: 0, bits: 9 },
] as const;

/** Draws tokens on the CPU, with the semantics and, to rounding, the results of `recordSample`. Holds 12 bytes per id of the vocabulary, and a little. */
export class Drawer {
  /** Logits after the repetition penalty. */
  readonly #scores: Float32Array;
  /** Of the tokens that may be drawn: how far their scores are below the best, and the bits of that, which sort as the numbers do. */
  readonly #distances: Float32Array;
  readonly #keys: Uint32Array;
  readonly #ids: Uint32Array;
  readonly #bins = new Float64Array(2048);
  /** The best score of each `blockIds` ids, and room to sort those. */
  readonly #blockBest: Float32Array;
  readonly #sorted: Float32Array;

  constructor(vocabularySize: number) {
    this.#scores = new Float32Array(vocabularySize);
    this.#distances = new Float32Array(vocabularySize);
    this.#keys = new Uint32Array(this.#distances.buffer);
    this.#ids = new Uint32Array(vocabularySize);
    this.#blockBest = new Float32Array(Math.ceil(vocabularySize / blockIds));
    this.#sorted = new Float32Array(this.#blockBest.length);
  }

  /**
   * The token at absolute position `position`. What the options mean, and in which order, `recordSample` says.
   * @param logits f32 [V]; left as they are.
   * @param ids the timeline's ids by absolute position; those before `position` are read.
   * @param sampling must have passed `validateSampling`.
   */
  draw(logits: Float32Array, ids: Uint32Array, sampling: Sampling, position: number): number {
    const { temperature, topK, topP, minP } = sampling;
    const scores = this.#penalised(logits, ids, sampling, position);
    const best = this.#best(scores);
    if (best < 0 || temperature === 0) return Math.max(0, best);
    // Adding 0 makes -0 into 0: no distance is then -0, whose bits sort last.
    const bestScore = clamped(scores[best] ?? 0) + 0;
    let count = this.#collect(scores, bestScore, this.#least(bestScore, reach * temperature, topK));
    if (topK > 0 && topK < count) count = this.#keepNearest(count, topK, 0);
    if (topP < 1) count = this.#keepNearest(count, topP, temperature);
    const farthest = minP === 0 ? Infinity : Math.max(0, -Math.log(minP) * temperature);
    return this.#winner(best, count, farthest, sampling, position);
  }

  #penalised(logits: Float32Array, ids: Uint32Array, { repetitionPenalty, penaltyWindow }: Sampling, position: number): Float32Array {
    const start = Math.max(0, position - penaltyWindow);
    if (repetitionPenalty === 1 || start === position) return logits;
    const scores = this.#scores;
    scores.set(logits);
    for (let at = start; at < position; at++) {
      const id = ids[at] ?? 0;
      const raw = logits[id] ?? NaN;
      // From the logit itself: an id that the window holds twice is penalised once. NaN and infinities stay what they are.
      if (Number.isFinite(raw)) scores[id] = clamped(clamped(raw) * Math.fround(raw > 0 ? 1 / repetitionPenalty : repetitionPenalty));
    }
    return scores;
  }

  /** The id of the largest score, the lowest of equals, as `clamped` sees them; -1 where all are -inf or NaN. */
  #best(scores: Float32Array): number {
    const blockBest = this.#blockBest;
    let best = -Infinity;
    for (let block = 0; block < blockBest.length; block++) {
      const end = Math.min(scores.length, (block + 1) * blockIds);
      let most = -Infinity;
      for (let id = block * blockIds; id < end; id++) {
        const score = scores[id] as number;
        if (score > most) most = score;
      }
      blockBest[block] = most;
      if (most > best) best = most;
    }
    if (best > largest) return scores.findIndex((score) => score >= largest);
    return best < -largest ? scores.findIndex((score) => score > -Infinity) : scores.indexOf(best);
  }

  /** A score below which no token is drawn: too far from the best, or `topK` blocks of ids have a better one. */
  #least(best: number, farthest: number, topK: number): number {
    // Where even the best counts as -1e30 so does every other; -inf and NaN are below any number.
    if (best <= -largest) return -Number.MAX_VALUE;
    const least = best - farthest;
    const sorted = this.#sorted;
    if (topK === 0 || topK > sorted.length) return least;
    sorted.set(this.#blockBest);
    sorted.sort();
    return Math.max(least, Math.min(largest, sorted[sorted.length - topK] as number));
  }

  /** Notes the tokens whose score is at least `least` and returns their number. */
  #collect(scores: Float32Array, best: number, least: number): number {
    const [distances, ids, blockBest] = [this.#distances, this.#ids, this.#blockBest];
    let count = 0;
    for (let block = 0; block < blockBest.length; block++) {
      if ((blockBest[block] as number) < least) continue;
      const end = Math.min(scores.length, (block + 1) * blockIds);
      for (let id = block * blockIds; id < end; id++) {
        const score = scores[id] as number;
        if (score >= least) {
          distances[count] = best - clamped(score);
          ids[count++] = id;
        }
      }
    }
    return count;
  }

  /**
   * Keeps the nearest candidates: `target` of them, or, where `temperature` is not 0, the fewest that have that share of all their mass; and those
   * as near as the last of them. Its key is found digit by digit; each looks only at keys that begin as the ones before it say.
   * @returns how many are left.
   */
  #keepNearest(count: number, target: number, temperature: number): number {
    const [keys, distances, bins] = [this.#keys, this.#distances, this.#bins];
    let prefix = 0;
    let wanted = target;
    let left = count;
    for (const { shift, bits } of digits) {
      bins.fill(0);
      let highest = 0;
      for (let c = 0; c < left; c++) {
        const key = keys[c] as number;
        // Two shifts: the first digit has no bits before it, and a shift by 32 is none.
        if (((key ^ prefix) >>> shift) >>> bits !== 0) continue;
        const bin = (key >>> shift) & ((1 << bits) - 1);
        bins[bin] = (bins[bin] as number) + (temperature === 0 ? 1 : exponential((distances[c] as number) / temperature));
        if (bin > highest) highest = bin;
      }
      if (shift === digits[0].shift && temperature > 0) wanted *= bins.reduce((a, b) => a + b);
      let bin = 0;
      // The last bin that holds anything, where rounding leaves the sum below its target.
      while (bin < highest && (bins[bin] === 0 || (bins[bin] as number) < wanted)) wanted -= bins[bin++] as number;
      prefix |= bin << shift;
      left = this.#keepUpTo(left, prefix | ((1 << shift) - 1));
    }
    return left;
  }

  /** Drops the candidates whose key is larger; the others keep their order. */
  #keepUpTo(count: number, largestKey: number): number {
    const [keys, ids] = [this.#keys, this.#ids];
    let left = 0;
    for (let c = 0; c < count; c++) {
      const key = keys[c] as number;
      if (key > largestKey) continue;
      keys[left] = key;
      ids[left++] = ids[c] as number;
    }
    return left;
  }

  /** The candidate up to `farthest` with the largest sum of its scaled logit and a Gumbel variate; of equals the one with the lowest id. */
  #winner(mostProbable: number, count: number, farthest: number, { seed, temperature }: Sampling, position: number): number {
    const [distances, ids] = [this.#distances, this.#ids];
    let winner = mostProbable;
    let best = gumbel(randomBits(seed, position, mostProbable));
    for (let c = 0; c < count; c++) {
      const distance = distances[c] as number;
      if (distance > farthest) continue;
      const id = ids[c] as number;
      const bits = randomBits(seed, position, id);
      // A variate is below -log(bits / 2^32), which the leading zeros bound: this spares most tokens two logarithms.
      if ((Math.clz32(bits) + 1) * Math.LN2 < best + distance / temperature) continue;
      const value = gumbel(bits) - distance / temperature;
      if (value > best || (value === best && id < winner)) {
        best = value;
        winner = id;
      }
    }
    return winner;
  }
}

/** e^(-n / 256) up to a little past `reach`. */
const exponentials = Float64Array.from({ length: (reach + 1) * 256 }, (_, n) => Math.exp(-n / 256));

/** e^-x to 1e-11 of its value, for x from 0 to `reach`: a table's entry and three terms of the series for the rest. A third of Math.exp's time. */
function exponential(x: number): number {
  const scaled = x * 256;
  const n = scaled | 0;
  const rest = (scaled - n) / 256;
  return (exponentials[n] as number) * (1 - rest * (1 - rest * (1 / 2 - rest * (1 / 6))));
}

function clamped(logit: number): number {
  if (logit > largest) return largest;
  return logit < -largest ? -largest : logit;
}
