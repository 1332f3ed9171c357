// y[row, :] = x[row, :] / rms(x[row, :]) * weight        x: [tokens, DIM]   y: [tokens, DIM]   weight: [DIM]
//   rms(x) = sqrt(mean(x^2) + EPS)
// One workgroup per row; the f32 sum of squares is reduced in a shared-memory tree.
// With LAST_ROW = 1 there is one workgroup: it reads the step's last row and writes row 0, because a prompt needs the logits of
// its last token only.

override DIM: u32;
override EPS: f32;
override LAST_ROW: u32;
override WORKGROUP_SIZE: u32 = 64;

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

var<workgroup> partial_sums: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let source = select(workgroup.x, step.tokens - 1u, LAST_ROW == 1u) * DIM;
  var sum = 0.0;
  for (var i = lane; i < DIM; i += WORKGROUP_SIZE) { sum += x[source + i] * x[source + i]; }
  partial_sums[lane] = sum;
  workgroupBarrier();
  for (var width = WORKGROUP_SIZE / 2u; width > 0u; width /= 2u) {
    if (lane < width) { partial_sums[lane] += partial_sums[lane + width]; }
    workgroupBarrier();
  }
  let scale = inverseSqrt(partial_sums[0] / f32(DIM) + EPS);
  for (var i = lane; i < DIM; i += WORKGROUP_SIZE) { y[workgroup.x * DIM + i] = x[source + i] * scale * weight[i]; }
}
