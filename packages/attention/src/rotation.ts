/** What a model says about its rotary embedding. */
export interface RotarySpec {
  /** E. */
  headSize: number;
  /** Channels that rotate; the rest keep still. */
  rotaryDimensions: number;
  base: number;
  /** Linear scaling: positions are divided by this. */
  linearFactor: number;
  /** Divisor of each pair's frequency ([rotaryDimensions / 2], from rope_freqs.weight), where the file has one. */
  frequencyFactors?: Float32Array | undefined;
}

/**
 * Cos and sin of `position * base^(-2i / d)` for each row: [positions.length, E / 2] of (cos, sin).
 * Angles are made in f64: in f32 they are wrong by 1e-3 at position 1e5 and by 5e-2 at 4e6.
 */
export function rotationTable(spec: RotarySpec, positions: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const pairs = spec.headSize / 2;
  const frequencies = rotaryFrequencies(spec);
  const table = new Float32Array(positions.length * pairs * 2);
  for (let row = 0; row < positions.length; row++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = (positions[row] ?? 0) * (frequencies[pair] ?? 0);
      table[(row * pairs + pair) * 2] = Math.cos(angle);
      table[(row * pairs + pair) * 2 + 1] = Math.sin(angle);
    }
  }
  return table;
}

/** Radians per position of each pair; 0 for pairs that do not rotate. */
function rotaryFrequencies({ headSize, rotaryDimensions, base, linearFactor, frequencyFactors }: RotarySpec): Float64Array {
  return Float64Array.from({ length: headSize / 2 }, (_, pair) =>
    pair * 2 < rotaryDimensions ? base ** ((-2 * pair) / rotaryDimensions) / linearFactor / (frequencyFactors?.[pair] ?? 1) : 0,
  );
}
