// y[row] (+)= weight[row, :] . x        weight: [all_rows, 32 blocks]   x: [32 blocks]   y: [y_stride]
// LANES neighbouring invocations share a quad of rows and take its blocks in turn; a workgroup has WORKGROUP / LANES quads. Partial sums meet in
// workgroup memory.

override LANES: u32;
override WORKGROUP: u32;

@group(0) @binding(0) var<storage, read> quants: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> scales: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> shard: Shard;

var<workgroup> partial_sums: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = invocation % LANES;
  let quad = workgroup.x * (WORKGROUP / LANES) + invocation / LANES;
  let row = quad * 4u;
  var sums = vec4<f32>(0.0);
  for (var block = lane; block < shard.blocks; block += LANES) {
    let s = load_scales(quad, block);
    let q0 = load_quants(row, block);
    let q1 = load_quants(row + 1u, block);
    let q2 = load_quants(row + 2u, block);
    let q3 = load_quants(row + 3u, block);
    for (var half = 0u; half < 2u; half++) {
      var dots = vec4<f32>(0.0);
      var x_sum = vec4<f32>(0.0);
      for (var i = half * 4u; i < half * 4u + 4u; i++) {
        let xi = x[block * 8u + i];
        x_sum += xi;
        dots += vec4<f32>(dot(part(q0, i), xi), dot(part(q1, i), xi), dot(part(q2, i), xi), dot(part(q3, i), xi));
      }
      let total = dot(x_sum, vec4<f32>(1.0));
      sums += dots * select(s.low, s.high, half == 1u) + total * select(s.low_minimum, s.high_minimum, half == 1u);
    }
  }
  if (LANES > 1u) {
    partial_sums[invocation] = sums;
    workgroupBarrier();
  }
  if (lane == 0u && row < shard.rows) {
    for (var other = 1u; other < LANES; other++) { sums += partial_sums[invocation + other]; }
    store_quad(row, shard.first_row / 4u + quad, sums);
  }
}
