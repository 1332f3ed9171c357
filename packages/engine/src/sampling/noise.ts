/*
 * Counter-based random numbers, as shaders/lib/random.wgsl makes them: no state, so that a number depends on its counters alone, whatever was
 * drawn before it.
 */

/** 32 uniform bits of three counters. pcg3d of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020. */
export function randomBits(first: number, second: number, third: number): number {
  let x = (Math.imul(first, 1664525) + 1013904223) | 0;
  let y = (Math.imul(second, 1664525) + 1013904223) | 0;
  let z = (Math.imul(third, 1664525) + 1013904223) | 0;
  x = (x + Math.imul(y, z)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  return (x + Math.imul(y, z)) >>> 0;
}

/** A Gumbel variate of 32 uniform bits, falling as they rise: -log(-log(1 - v)) with v = (bits + 0.5) / 2^32, between -3.2 and 22.9. */
export function gumbel(bits: number): number {
  return -Math.log(-Math.log1p(-(bits + 0.5) / 2 ** 32));
}
