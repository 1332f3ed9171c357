// y[t, :] = table[ids[position + t], :]        table: [vocabulary, 32 blocks], a shard of it   y: [T, 32 blocks]
// One invocation unpacks one block (x) of one token (y). Ids beyond the vocabulary take its last row; tokens whose row lies in another shard are left
// to that shard's dispatch.

@group(0) @binding(0) var<storage, read> quants: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> scales: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> shard: Shard;
@group(0) @binding(5) var<uniform> step: Step;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let block = id.x;
  let t = id.y;
  if (block >= shard.blocks || t >= step.tokens) { return; }
  // Wraps round, beyond any number of rows, for rows of earlier shards.
  let row = min(ids[step.position + t], shard.all_rows - 1u) - shard.first_row;
  if (row >= shard.rows) { return; }
  let q = load_quants(row, block);
  let s = load_scales(row / 4u, block);
  let r = row % 4u;
  for (var i = 0u; i < 8u; i++) {
    let scale = select(s.low[r], s.high[r], i >= 4u);
    let minimum = select(s.low_minimum[r], s.high_minimum[r], i >= 4u);
    y[(t * shard.blocks + block) * 8u + i] = part(q, i) * scale + minimum;
  }
}
