// scales[quad, block]: one word a row, f16 scale in the low half and f16 minimum in the high half, for all 32 columns of the block.

fn load_scales(quad: u32, block: u32) -> Scales {
  let words = scales[quad * shard.blocks + block];
  let scale = low_f16(words);
  let minimum = high_f16(words);
  return Scales(scale, scale, minimum, minimum);
}
