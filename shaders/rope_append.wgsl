// Rotates this step's queries and keys and appends keys and values to the page pool.
//   (a, b) -> (a cos - b sin, a sin + b cos)   for each adjacent pair of channels (2i, 2i + 1)
// qkv: [tokens, (HEADS + 2 KV_HEADS) * HEAD_SIZE], queries first, then keys, then values
// rotations: [rotations, tokens, HEAD_SIZE / 2] of (cos, sin), made in f64 on the CPU; rotation 0 is the token's own position
// slots: [KV_HEADS, tokens]   queries: [rotations, tokens, HEADS * HEAD_SIZE]
// One invocation per token and pair of channels. f16 has a largest value: what exceeds it is clamped, so that pages never hold
// infinities (0 * inf would poison masked tokens).

override HEADS: u32;
override KV_HEADS: u32;
override HEAD_SIZE: u32;
override WORKGROUP_SIZE: u32 = 64;

const LARGEST_F16: f32 = 65504.0;

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> qkv: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> rotations: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> slots: array<u32>;
@group(0) @binding(4) var<storage, read_write> queries: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> keys: array<u32>;
@group(0) @binding(6) var<storage, read_write> values: array<u32>;

fn rotate(pair: vec2<f32>, rotation: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(pair.x * rotation.x - pair.y * rotation.y, pair.x * rotation.y + pair.y * rotation.x);
}

fn pack_f16(pair: vec2<f32>) -> u32 {
  return pack2x16float(clamp(pair, vec2<f32>(-LARGEST_F16), vec2<f32>(LARGEST_F16)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let pairs = HEAD_SIZE / 2u;
  let row_pairs = (HEADS + 2u * KV_HEADS) * pairs;
  let column = id.x;
  let token = id.y;
  if (column >= row_pairs) { return; }

  let source = qkv[token * row_pairs + column];
  let head = column / pairs;
  let pair = column % pairs;
  if (head < HEADS) {
    for (var r = 0u; r < step.rotations; r++) {
      let rotation = rotations[(r * step.tokens + token) * pairs + pair];
      queries[(r * step.tokens + token) * HEADS * pairs + column] = rotate(source, rotation);
    }
    return;
  }
  let kv_head = (head - HEADS) % KV_HEADS;
  let target_word = slots[kv_head * step.tokens + token] * pairs + pair;
  if (head < HEADS + KV_HEADS) {
    keys[target_word] = pack_f16(rotate(source, rotations[token * pairs + pair]));
  } else {
    values[target_word] = pack_f16(source);
  }
}
