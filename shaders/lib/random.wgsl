// Counter-based random numbers: no state, so that a number depends on its counters alone, whatever was drawn before it.

// 32 uniform bits of three counters. pcg3d of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020.
fn random_bits(x: u32, y: u32, z: u32) -> u32 {
  var v = vec3u(x, y, z) * 1664525u + 1013904223u;
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v ^= v >> vec3u(16u);
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  return v.x;
}

// A Gumbel variate, -log(-log(1 - v)) with v = (bits + 0.5) / 2^32: between -3.2 and 22.9, never infinite.
// The large ones, which win draws, come from small v, where f32 keeps all 32 bits. There 1 - v would keep 24 bits at best, so
// -log(1 - v) is the sum of v^n / n, to 4e-7 of its value; elsewhere 1 - v is exact from the complement of the bits.
fn gumbel(bits: u32) -> f32 {
  if (bits >= 0x40000000u) {
    return -log(-log((f32(~bits) + 0.5) * 0x1p-32));
  }
  let v = (f32(bits) + 0.5) * 0x1p-32;
  let a = 1.0 / 7.0 + v * (1.0 / 8.0 + v * (1.0 / 9.0));
  let b = 1.0 / 4.0 + v * (1.0 / 5.0 + v * (1.0 / 6.0 + v * a));
  return -log(v * (1.0 + v * (1.0 / 2.0 + v * (1.0 / 3.0 + v * b))));
}
