// y[t, row] (+)= weight[row, :] . x[t, :]        weight: [all_rows, 32 blocks]   x: [T, 32 blocks]   y: [T, y_stride]
// An invocation makes a register tile of one quad of rows times eight tokens; a workgroup has WORKGROUP neighbouring quads (x) of the same tokens (y).
// A weight is unpacked once for all tokens of the tile.

override WORKGROUP: u32;

const TOKENS = 8u;

@group(0) @binding(0) var<storage, read> quants: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> scales: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> shard: Shard;
@group(0) @binding(5) var<uniform> step: Step;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = lane_of(invocation);
  let quad = id.x;
  let row = quad * 4u;
  let first_token = workgroup.y * TOKENS;
  let last_token = step.tokens - 1u;
  var sums: array<vec4<f32>, TOKENS>;
  for (var block = 0u; block < shard.blocks; block++) {
    let s = load_scales(quad, block);
    let q0 = load_quants(row, block);
    let q1 = load_quants(row + 1u, block);
    let q2 = load_quants(row + 2u, block);
    let q3 = load_quants(row + 3u, block);
    var c: array<XBlock, TOKENS>;
    for (var t = 0u; t < TOKENS; t++) {
      c[t] = load_x((min(first_token + t, last_token) * shard.blocks + block) * 8u, lane);
    }
    for (var i = 0u; i < 8u; i++) {
      let scale = select(s.low, s.high, i >= 4u);
      let minimum = select(s.low_minimum, s.high_minimum, i >= 4u);
      let w0 = part(q0, i) * scale.x + minimum.x;
      let w1 = part(q1, i) * scale.y + minimum.y;
      let w2 = part(q2, i) * scale.z + minimum.z;
      let w3 = part(q3, i) * scale.w + minimum.w;
      for (var t = 0u; t < TOKENS; t++) {
        let xi = x_part(c[t], i);
        sums[t] += vec4<f32>(dot(w0, xi), dot(w1, xi), dot(w2, xi), dot(w3, xi));
      }
    }
  }
  if (row >= shard.rows) { return; }
  // One store in a loop, not one a token: drivers that compile loads and stores lane by lane take seconds over eight of them.
  for (var t = 0u; t < min(TOKENS, step.tokens - first_token); t++) {
    var tile_row = sums[0];
    for (var other = 1u; other < TOKENS; other++) { tile_row = select(tile_row, sums[other], t == other); }
    store_quad(row, ((first_token + t) * shard.y_stride + shard.first_row) / 4u + quad, tile_row);
  }
}
