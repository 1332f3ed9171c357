import type { RotarySpec } from "../rotation.ts";

/** One key and value that a query may see, at the distance that its list entry says. */
export interface ReferenceToken {
  /** Absolute position: later ones than the query's own are masked. */
  position: number;
  /** Added to the query's position before it meets this key: 0 for the query at its own place. */
  shift: number;
  /** Unrotated [E]; rotated here, in f64, at `position`. */
  key: ArrayLike<number>;
  value: ArrayLike<number>;
}

/**
 * Plain attention in f64, the textbook's formula: rotate, dot, softmax, weighted sum. `query` is unrotated [E].
 * `store` is what the cache does to a key or value it keeps (rounding).
 */
export function attend(
  spec: RotarySpec,
  query: ArrayLike<number>,
  position: number,
  tokens: readonly ReferenceToken[],
  store: (vector: readonly number[], what: "key" | "value") => readonly number[],
): Float64Array {
  const visible = tokens.filter((token) => token.position <= position);
  const scores = visible.map(({ key, position: keyPosition, shift }) => {
    const rotatedQuery = rotate(spec, query, position + shift);
    const rotatedKey = store(rotate(spec, key, keyPosition), "key");
    return rotatedQuery.reduce((sum, x, i) => sum + x * (rotatedKey[i] ?? 0), 0) / Math.sqrt(spec.headSize);
  });
  const largest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const out = new Float64Array(spec.headSize);
  for (const [i, { value }] of visible.entries())
    for (const [e, x] of store(Array.from(value), "value").entries()) out[e] = (out[e] ?? 0) + ((weights[i] ?? 0) / total) * x;
  return out;
}

/** Rotates adjacent pairs of channels by position * base^(-2i / d). */
function rotate({ headSize, rotaryDimensions, base, linearFactor }: RotarySpec, vector: ArrayLike<number>, position: number): number[] {
  const out = Array.from({ length: headSize }, (_, i) => vector[i] ?? 0);
  for (let pair = 0; pair < rotaryDimensions / 2; pair++) {
    const angle = (position / linearFactor) * base ** ((-2 * pair) / rotaryDimensions);
    const [a, b] = [vector[2 * pair] ?? 0, vector[2 * pair + 1] ?? 0];
    out[2 * pair] = a * Math.cos(angle) - b * Math.sin(angle);
    out[2 * pair + 1] = a * Math.sin(angle) + b * Math.cos(angle);
  }
  return out;
}
