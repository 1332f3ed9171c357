// f32 in file order.

struct Quants { words: array<vec4<u32>, 8> }

fn load_quants(row: u32, block: u32) -> Quants {
  let index = (row * BLOCKS + block) * 8u;
  return Quants(array<vec4<u32>, 8>(
    quants[index], quants[index + 1u], quants[index + 2u], quants[index + 3u],
    quants[index + 4u], quants[index + 5u], quants[index + 6u], quants[index + 7u]));
}

fn part(q: Quants, i: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(q.words[i]);
}
