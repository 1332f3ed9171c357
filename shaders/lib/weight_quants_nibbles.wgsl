// Four bits a weight: column 4i + c of a block is nibble i of word c, so that one shift and one mask give four columns.

struct Quants { words: vec4<u32> }

fn load_quants(row: u32, block: u32) -> Quants {
  return Quants(quants[row * shard.blocks + block]);
}

fn part(q: Quants, i: u32) -> vec4<f32> {
  return vec4<f32>((q.words >> vec4<u32>(4u * i)) & vec4<u32>(15u));
}
