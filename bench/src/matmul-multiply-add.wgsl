// Four independent vec4 chains of multiply and add in registers: what the adapter's arithmetic gives a kernel that loads nothing.
// 512 operations, which are multiplications or additions, a round and invocation.

override ROUNDS: u32;

@group(0) @binding(0) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let factor = vec4<f32>(y[id.x]);
  var a = factor + 0.1;
  var b = factor + 0.2;
  var c = factor + 0.3;
  var d = factor + 0.4;
  for (var round = 0u; round < ROUNDS; round++) {
    // Of known length, to be unrolled: a loop costs more than these operations do.
    for (var i = 0u; i < 16u; i++) {
      a = a * factor + factor;
      b = b * factor + factor;
      c = c * factor + factor;
      d = d * factor + factor;
    }
  }
  y[id.x] = dot(a + b + c + d, vec4<f32>(1.0));
}
