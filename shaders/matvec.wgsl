// y[Y_OFFSET + row] (+)= weight[row, :] . x        weight: [ROWS, COLUMNS]   x: [COLUMNS]
// LANES invocations share QUADS quads of rows and take its blocks of 32 columns in turn; a workgroup has WORKGROUP / LANES such groups.
// Each block of x is loaded once for all rows of the group. Partial sums meet in workgroup memory.

override ROWS: u32;
override Y_OFFSET: u32;
override ACCUMULATE: u32;
override LANES: u32;
override QUADS: u32;
override WORKGROUP: u32;

@group(0) @binding(0) var<storage, read> quants: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> scales: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const MAX_QUADS = 4u;

var<workgroup> partial_sums: array<vec4<f32>, WORKGROUP * QUADS>;

fn dot_half(q: Quants, first: u32, x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32>) -> f32 {
  return dot(part(q, first), x0) + dot(part(q, first + 1u), x1) + dot(part(q, first + 2u), x2) + dot(part(q, first + 3u), x3);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = invocation % LANES;
  let first_quad = (workgroup.x * (WORKGROUP / LANES) + invocation / LANES) * QUADS;
  var sums: array<vec4<f32>, MAX_QUADS>;
  for (var block = lane; block < BLOCKS; block += LANES) {
    let c = block * 8u;
    let x0 = x[c];
    let x1 = x[c + 1u];
    let x2 = x[c + 2u];
    let x3 = x[c + 3u];
    let x4 = x[c + 4u];
    let x5 = x[c + 5u];
    let x6 = x[c + 6u];
    let x7 = x[c + 7u];
    let low_sum = dot(x0 + x1 + x2 + x3, vec4<f32>(1.0));
    let high_sum = dot(x4 + x5 + x6 + x7, vec4<f32>(1.0));
    for (var i = 0u; i < QUADS; i++) {
      let quad = first_quad + i;
      let s = load_scales(quad, block);
      let q0 = load_quants(quad * 4u, block);
      let q1 = load_quants(quad * 4u + 1u, block);
      let q2 = load_quants(quad * 4u + 2u, block);
      let q3 = load_quants(quad * 4u + 3u, block);
      let low = vec4<f32>(
        dot_half(q0, 0u, x0, x1, x2, x3), dot_half(q1, 0u, x0, x1, x2, x3), dot_half(q2, 0u, x0, x1, x2, x3), dot_half(q3, 0u, x0, x1, x2, x3));
      let high = vec4<f32>(
        dot_half(q0, 4u, x4, x5, x6, x7), dot_half(q1, 4u, x4, x5, x6, x7), dot_half(q2, 4u, x4, x5, x6, x7), dot_half(q3, 4u, x4, x5, x6, x7));
      sums[i] += low * s.low + high * s.high + low_sum * s.low_minimum + high_sum * s.high_minimum;
    }
  }
  if (LANES > 1u) {
    for (var i = 0u; i < QUADS; i++) { partial_sums[i * WORKGROUP + invocation] = sums[i]; }
    workgroupBarrier();
    if (lane == 0u) {
      for (var i = 0u; i < QUADS; i++) {
        for (var other = 1u; other < LANES; other++) { sums[i] += partial_sums[i * WORKGROUP + invocation + other]; }
      }
    }
  }
  if (lane == 0u) {
    for (var i = 0u; i < QUADS; i++) {
      for (var r = 0u; r < 4u; r++) {
        let row = (first_quad + i) * 4u + r;
        if (row < ROWS) {
          y[Y_OFFSET + row] = sums[i][r] + select(0.0, y[Y_OFFSET + row], ACCUMULATE != 0u);
        }
      }
    }
  }
}
