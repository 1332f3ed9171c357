// f32 in file order. A part is a load of its own: there is nothing to unpack.

struct Quants { index: u32 }

fn load_quants(row: u32, block: u32) -> Quants {
  return Quants((row * shard.blocks + block) * 8u);
}

fn part(q: Quants, i: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(quants[q.index + i]);
}
