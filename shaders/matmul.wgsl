// y[t, Y_OFFSET + row] (+)= weight[row, :] . x[t, :]        weight: [ROWS, COLUMNS]   x: [T, COLUMNS]   y: [T, Y_STRIDE]
// One invocation makes a register tile of one quad of rows times TOKENS tokens; a workgroup has WORKGROUP neighbouring quads (x) of the same tokens (y).
// A weight is unpacked once for all tokens of the tile.

override ROWS: u32;
override Y_OFFSET: u32;
override Y_STRIDE: u32;
override ACCUMULATE: u32;
override WORKGROUP: u32;

const TOKENS = 8u;

@group(0) @binding(0) var<storage, read> quants: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> scales: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> step: Step;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) workgroup: vec3<u32>) {
  let quad = id.x;
  if (quad * 4u >= ROWS) { return; }
  let first_token = workgroup.y * TOKENS;
  let last_token = step.tokens - 1u;
  var sums: array<vec4<f32>, TOKENS>;
  for (var block = 0u; block < BLOCKS; block++) {
    let s = load_scales(quad, block);
    let q0 = load_quants(quad * 4u, block);
    let q1 = load_quants(quad * 4u + 1u, block);
    let q2 = load_quants(quad * 4u + 2u, block);
    let q3 = load_quants(quad * 4u + 3u, block);
    for (var i = 0u; i < 8u; i++) {
      let scale = select(s.low, s.high, i >= 4u);
      let minimum = select(s.low_minimum, s.high_minimum, i >= 4u);
      let w0 = part(q0, i) * scale.x + minimum.x;
      let w1 = part(q1, i) * scale.y + minimum.y;
      let w2 = part(q2, i) * scale.z + minimum.z;
      let w3 = part(q3, i) * scale.w + minimum.w;
      for (var t = 0u; t < TOKENS; t++) {
        let c = x[min(first_token + t, last_token) * (COLUMNS / 4u) + block * 8u + i];
        sums[t] += vec4<f32>(dot(w0, c), dot(w1, c), dot(w2, c), dot(w3, c));
      }
    }
  }
  for (var t = 0u; t < TOKENS; t++) {
    if (first_token + t <= last_token) {
      for (var r = 0u; r < 4u; r++) {
        let row = quad * 4u + r;
        if (row < ROWS) {
          let index = (first_token + t) * Y_STRIDE + Y_OFFSET + row;
          y[index] = sums[t][r] + select(0.0, y[index], ACCUMULATE != 0u);
        }
      }
    }
  }
}
