// Attention of one token over page lists, split along the list (flash-decoding); attention_combine.wgsl joins the splits.
//   partials[head, split] = (sum_t w_t v_t, sum_t w_t, m)   with w_t = exp(score_t - m), m = max_t score_t
// queries: [rotations, HEADS, HEAD_SIZE], HEADS = KV_HEADS * GROUP      entries: [KV_HEADS, CAPACITY], lengths: [KV_HEADS]
// partials: [HEADS, MAX_SPLITS, HEAD_SIZE + 2]
// One workgroup per KV head and split: a split is SPLIT tokens of the list, and one load of a key serves the whole query group.
// Scores: one invocation per token, and queries at addresses that are the same for all of them. Values: one invocation per
// channel.

override KV_HEADS: u32;
override GROUP: u32;
override HEAD_SIZE: u32;
override CAPACITY: u32;
override MAX_SPLITS: u32;
override SPLIT: u32 = 256;
override RUN: u32 = 16;

const LANES: u32 = 64;
const REDUCERS: u32 = 8;

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> keys: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> values: array<u32>;
@group(0) @binding(4) var<storage, read> entries: array<Entry>;
@group(0) @binding(5) var<storage, read> lengths: array<u32>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;

var<workgroup> slots: array<u32, SPLIT>;
var<workgroup> scores: array<f32, GROUP * SPLIT>;
var<workgroup> maxima: array<f32, GROUP * REDUCERS>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let kv_head = workgroup.x;
  let split = workgroup.y;
  let first_entry = split * (SPLIT / RUN);
  let list_length = lengths[kv_head];
  // Nothing of this split is on the list: its partials still must say so, for they are joined with the others.
  let tokens = min(SPLIT, (list_length - min(list_length, first_entry)) * RUN);

  for (var token = lane; token < SPLIT; token += LANES) {
    score_token(kv_head, first_entry, token, tokens);
  }
  workgroupBarrier();

  for (var i = lane; i < GROUP * REDUCERS; i += LANES) {
    let row = (i / REDUCERS) * SPLIT;
    var m = MASKED;
    for (var token = i % REDUCERS; token < tokens; token += REDUCERS) {
      m = max(m, scores[row + token]);
    }
    maxima[i] = m;
  }
  workgroupBarrier();

  for (var token = lane; token < tokens; token += LANES) {
    for (var g = 0u; g < GROUP; g++) {
      let i = g * SPLIT + token;
      scores[i] = select(exp(scores[i] - row_max(g)), 0.0, slots[token] == NO_SLOT);
    }
  }
  workgroupBarrier();

  for (var channel = lane; channel < HEAD_SIZE; channel += LANES) {
    sum_values(kv_head, split, channel, tokens);
  }
}

fn row_max(g: u32) -> f32 {
  var m = MASKED;
  for (var i = 0u; i < REDUCERS; i++) {
    m = max(m, maxima[g * REDUCERS + i]);
  }
  return m;
}

// The token's slot, and its score for each query head of the group.
fn score_token(kv_head: u32, first_entry: u32, token: u32, tokens: u32) {
  var slot = NO_SLOT;
  var rotation = 0u;
  if (token < tokens) {
    let entry = entries[kv_head * CAPACITY + first_entry + token / RUN];
    let offset = token % RUN;
    rotation = entry.rotation;
    if (offset < entry.count && entry.position + offset <= step.position) {
      slot = entry.slot + offset;
    }
  }
  slots[token] = slot;
  for (var r = 0u; r < step.rotations; r++) {
    if (slot != NO_SLOT && rotation == r) { score_group(kv_head, slot, r, token); }
  }
  if (slot == NO_SLOT) {
    for (var g = 0u; g < GROUP; g++) { scores[g * SPLIT + token] = MASKED; }
  }
}

// Four heads at a time; past the end of the group the last head is computed again, and not stored.
fn score_group(kv_head: u32, slot: u32, rotation: u32, token: u32) {
  let quads = HEAD_SIZE / 4u;
  let query = (rotation * KV_HEADS + kv_head) * GROUP;
  let scale = inverseSqrt(f32(HEAD_SIZE));
  for (var g = 0u; g < GROUP; g += 4u) {
    let q0 = (query + g) * quads;
    let q1 = (query + min(g + 1u, GROUP - 1u)) * quads;
    let q2 = (query + min(g + 2u, GROUP - 1u)) * quads;
    let q3 = (query + min(g + 3u, GROUP - 1u)) * quads;
    var sum = vec4<f32>(0.0);
    for (var c = 0u; c < step.head_size / 4u; c += 2u) {
      let packed = keys[slot * (HEAD_SIZE / 8u) + c / 2u];
      let low = vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y));
      let high = vec4<f32>(unpack2x16float(packed.z), unpack2x16float(packed.w));
      sum += vec4<f32>(
        dot(low, queries[q0 + c]) + dot(high, queries[q0 + c + 1u]),
        dot(low, queries[q1 + c]) + dot(high, queries[q1 + c + 1u]),
        dot(low, queries[q2 + c]) + dot(high, queries[q2 + c + 1u]),
        dot(low, queries[q3 + c]) + dot(high, queries[q3 + c + 1u]));
    }
    sum *= scale;
    scores[g * SPLIT + token] = sum.x;
    if (g + 1u < GROUP) { scores[(g + 1u) * SPLIT + token] = sum.y; }
    if (g + 2u < GROUP) { scores[(g + 2u) * SPLIT + token] = sum.z; }
    if (g + 3u < GROUP) { scores[(g + 3u) * SPLIT + token] = sum.w; }
  }
}

fn sum_values(kv_head: u32, split: u32, channel: u32, tokens: u32) {
  for (var g = 0u; g < GROUP; g += 4u) {
    let r0 = g * SPLIT;
    let r1 = min(g + 1u, GROUP - 1u) * SPLIT;
    let r2 = min(g + 2u, GROUP - 1u) * SPLIT;
    let r3 = min(g + 3u, GROUP - 1u) * SPLIT;
    var sum = vec4<f32>(0.0);
    var weight_sum = vec4<f32>(0.0);
    for (var token = 0u; token < tokens; token++) {
      let slot = slots[token];
      if (slot == NO_SLOT) { continue; }
      let pair = unpack2x16float(values[(slot * HEAD_SIZE + channel) / 2u]);
      let weight = vec4<f32>(scores[r0 + token], scores[r1 + token], scores[r2 + token], scores[r3 + token]);
      sum += weight * select(pair.x, pair.y, (channel & 1u) == 1u);
      weight_sum += weight;
    }
    store_partial(kv_head, split, g, channel, sum.x, weight_sum.x);
    if (g + 1u < GROUP) { store_partial(kv_head, split, g + 1u, channel, sum.y, weight_sum.y); }
    if (g + 2u < GROUP) { store_partial(kv_head, split, g + 2u, channel, sum.z, weight_sum.z); }
    if (g + 3u < GROUP) { store_partial(kv_head, split, g + 3u, channel, sum.w, weight_sum.w); }
  }
}

fn store_partial(kv_head: u32, split: u32, g: u32, channel: u32, sum: f32, weight_sum: f32) {
  let row = ((kv_head * GROUP + g) * MAX_SPLITS + split) * (HEAD_SIZE + 2u);
  partials[row + channel] = sum;
  if (channel == 0u) {
    partials[row + HEAD_SIZE] = weight_sum;
    partials[row + HEAD_SIZE + 1u] = row_max(g);
  }
}
