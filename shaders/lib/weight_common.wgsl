// A weight matrix on the GPU, whatever its format: `quants` holds every row as blocks of 32 columns, `scales` what turns them into numbers. Rows come
// in quads: what belongs to four neighbouring rows lies in one vec4 of `scales`, so that one load serves four rows.
// A kernel declares the bindings `quants` and `scales`, both array<vec4<u32>>, and `shard: Shard`, and is put after this file, one
// weight_quants_*.wgsl with
//   load_quants(row, block) -> Quants            32 columns of a row
//   part(quants, i) -> vec4<f32>                 its columns 4i to 4i+3, not scaled yet
// and one weight_scales_*.wgsl with
//   load_scales(quad, block) -> Scales           of four rows
// A weight is its part * scale + minimum. Rows and quads past the end may be loaded: they give numbers without meaning.

// Some rows of a weight and what is done with them; a uniform, so that one pipeline serves all shapes.
struct Shard {
  // Blocks of 32 columns in a row.
  blocks: u32,
  // Rows of this shard, and where they begin in the weight.
  rows: u32,
  first_row: u32,
  // Rows of the whole weight, and as many elements from one row of y to the next, rounded up to quads.
  all_rows: u32,
  y_stride: u32,
  // 1: a product is added to what y holds.
  accumulate: u32,
}

// Components are the rows of the quad; `low` is for columns 0 to 15 of the block, `high` for 16 to 31.
struct Scales {
  low: vec4<f32>,
  high: vec4<f32>,
  low_minimum: vec4<f32>,
  high_minimum: vec4<f32>,
}

// The low halves of four words as f16.
fn low_f16(words: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(words.x).x, unpack2x16float(words.y).x, unpack2x16float(words.z).x, unpack2x16float(words.w).x);
}

fn high_f16(words: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(words.x).y, unpack2x16float(words.y).y, unpack2x16float(words.z).y, unpack2x16float(words.w).y);
}

// Byte i of four words, signed.
fn signed_byte(words: vec4<u32>, i: u32) -> vec4<f32> {
  return vec4<f32>(bitcast<vec4<i32>>(words << vec4<u32>(24u - 8u * i)) >> vec4<u32>(24u));
}
