// A signed byte a weight: column 16h + 4i + c of a block is byte i of word c of its vec4 h.

struct Quants { low: vec4<u32>, high: vec4<u32> }

fn load_quants(row: u32, block: u32) -> Quants {
  let index = (row * shard.blocks + block) * 2u;
  return Quants(quants[index], quants[index + 1u]);
}

fn part(q: Quants, i: u32) -> vec4<f32> {
  return signed_byte(select(q.low, q.high, i >= 4u), i & 3u);
}
