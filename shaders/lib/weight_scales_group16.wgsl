// scales[quad, super-block of 256 columns, word], nine words a row: word 0 holds f16 d and dmin; word 1 + b block b's two groups of 16 columns, each
// a pair of signed bytes s and m. The scale is d * s and the minimum -dmin * m.

fn load_scales(quad: u32, block: u32) -> Scales {
  let base = (quad * (shard.blocks / 8u) + block / 8u) * 9u;
  let super_scale = scales[base];
  let groups = scales[base + 1u + block % 8u];
  let scale = low_f16(super_scale);
  let minimum = -high_f16(super_scale);
  return Scales(scale * signed_byte(groups, 0u), scale * signed_byte(groups, 2u), minimum * signed_byte(groups, 1u), minimum * signed_byte(groups, 3u));
}
