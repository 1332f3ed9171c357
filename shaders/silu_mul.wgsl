// y[row, i] = silu(gate[row, i]) * up[row, i]     silu(x) = x / (1 + e^-x)
// gate_up: [tokens, 2 DIM], each row gate then up     y: [tokens, DIM]
// One invocation per element.

override DIM: u32;
override WORKGROUP_SIZE: u32 = 64;

@group(0) @binding(0) var<storage, read> gate_up: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= DIM) { return; }
  let row = id.y;
  let gate = gate_up[row * 2u * DIM + id.x];
  let up = gate_up[row * 2u * DIM + DIM + id.x];
  y[row * DIM + id.x] = gate / (1.0 + exp(-gate)) * up;
}
