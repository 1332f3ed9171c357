// Lanes of f32 that WebAssembly has no single instruction for.

/** Four f16 at `pointer` as f32x4, exactly, subnormals included; infinities and NaN do not occur in scales. */
export function loadF16x4(pointer: usize): v128 {
  // Sign, exponent and mantissa move to where f32 has them; the product with 2^112 corrects the exponent's bias.
  const shifted = v128.and(i32x4.shl(v128.load16x4_s(pointer), 13), i32x4.splat(0x8fffffff));
  return f32x4.mul(shifted, f32x4.splat(5192296858534827628530496329220096.0));
}

/** Sum of the four lanes. */
export function sumLanes(x: v128): f32 {
  const halves = f32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(halves, 0) + f32x4.extract_lane(halves, 1);
}

/** Largest of the four lanes. */
export function maxLanes(x: v128): f32 {
  const halves = f32x4.max(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return max(f32x4.extract_lane(halves, 0), f32x4.extract_lane(halves, 1));
}

/**
 * e^x in f32x4, relative error below 2e-7: 2^n from the exponent's bits, the rest by the Taylor-like polynomial of Cephes' expf.
 * Below -87.3 the result is 0, above 88 it saturates.
 */
export function exp4(x: v128): v128 {
  const clamped = f32x4.max(f32x4.min(x, f32x4.splat(88.0)), f32x4.splat(-87.3));
  const n = f32x4.nearest(f32x4.mul(clamped, f32x4.splat(1.44269504088896341)));
  // ln 2 in two parts, so that the remainder keeps its bits.
  let r = f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.1219444e-4)));
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  const fraction = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1.0));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return v128.and(f32x4.mul(fraction, power), f32x4.ge(x, f32x4.splat(-87.3)));
}
