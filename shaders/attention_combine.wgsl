// Joins the partial results of attention_decode.wgsl:  y[head] = sum_p e^(m_p - M) a_p / sum_p e^(m_p - M) l_p,  M = max_p m_p
// partials: [HEADS, step.splits, HEAD_SIZE + 2], each (a: HEAD_SIZE, l, m)      y: [HEADS, HEAD_SIZE]
// One invocation per channel.

override HEADS: u32;
override HEAD_SIZE: u32;
override WORKGROUP_SIZE: u32 = 64;

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= HEADS * HEAD_SIZE) { return; }
  let channel = id.x % HEAD_SIZE;
  let stride = HEAD_SIZE + 2u;
  let base = (id.x / HEAD_SIZE) * step.splits * stride;
  var largest = MASKED;
  for (var p = 0u; p < step.splits; p++) {
    largest = max(largest, partials[base + p * stride + HEAD_SIZE + 1u]);
  }
  var sum = 0.0;
  var weight_sum = 0.0;
  for (var p = 0u; p < step.splits; p++) {
    let part = base + p * stride;
    let scale = exp(partials[part + HEAD_SIZE + 1u] - largest);
    sum += scale * partials[part + channel];
    weight_sum += scale * partials[part + HEAD_SIZE];
  }
  y[id.x] = sum / weight_sum;
}
