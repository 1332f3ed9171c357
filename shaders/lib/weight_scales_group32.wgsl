// scales[quad, super-block of 256 columns, word], five words a row: word 0 holds f16 d and dmin; the others two groups of 32 columns each, a group
// being signed bytes s and m. The scale is d * s and the minimum -dmin * m.

fn load_scales(quad: u32, block: u32) -> Scales {
  let base = (quad * (shard.blocks / 8u) + block / 8u) * 5u;
  let super_scale = scales[base];
  let groups = scales[base + 1u + (block % 8u) / 2u] >> vec4<u32>(16u * (block & 1u));
  let scale = low_f16(super_scale) * signed_byte(groups, 0u);
  let minimum = -high_f16(super_scale) * signed_byte(groups, 1u);
  return Scales(scale, scale, minimum, minimum);
}
