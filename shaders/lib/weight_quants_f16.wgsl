// Half floats in file order: word j of a block holds columns 2j (low half) and 2j + 1.

struct Quants { index: u32 }

fn load_quants(row: u32, block: u32) -> Quants {
  return Quants((row * shard.blocks + block) * 4u);
}

fn part(q: Quants, i: u32) -> vec4<f32> {
  let words = quants[q.index + i / 2u];
  let pair = select(words.xy, words.zw, (i & 1u) == 1u);
  return vec4<f32>(unpack2x16float(pair.x), unpack2x16float(pair.y));
}
