// to[i] = from[i], 16 bytes an invocation: what the adapter's memory gives a kernel that does nothing else.

@group(0) @binding(0) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> to: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>) {
  let i = id.y * workgroups.x * 64u + id.x;
  if (i < arrayLength(&source)) { to[i] = source[i]; }
}
