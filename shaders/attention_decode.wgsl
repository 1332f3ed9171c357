// Attention of one token over page lists, split along the list (flash-decoding); attention_combine.wgsl joins the splits.
//   partials[head, part] = (sum_t w_t v_t, sum_t w_t, m)   with w_t = exp(score_t - m), m = max_t score_t
// queries: [rotations, HEADS, HEAD_SIZE], HEADS = KV_HEADS * GROUP      entries: [KV_HEADS, CAPACITY], lengths: [KV_HEADS]
// partials: [HEADS, MAX_PARTS, HEAD_SIZE + 2]
// One workgroup per KV head and split: a split is SPLIT tokens of the list, and one load of a key serves the whole query group.
// Scores: one invocation per token. Values: one invocation per pair of channels; where a head has fewer pairs than there are
// lanes, PARTS groups of lanes share the tokens and each writes a partial of its own.

override KV_HEADS: u32;
override GROUP: u32;
override HEAD_SIZE: u32;
override CAPACITY: u32;
override MAX_PARTS: u32;
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

  let pairs = HEAD_SIZE / 2u;
  let parts = max(1u, LANES / pairs);
  for (var i = lane; i < parts * pairs; i += LANES) {
    sum_values(kv_head, split * parts + i / pairs, i / pairs, parts, i % pairs, tokens);
  }
}

fn row_max(g: u32) -> f32 {
  var m = MASKED;
  for (var i = 0u; i < REDUCERS; i++) {
    m = max(m, maxima[g * REDUCERS + i]);
  }
  return m;
}

// The token's slot, and its score for each query head of the group, four heads at a time.
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
  if (slot == NO_SLOT) {
    for (var g = 0u; g < GROUP; g++) { scores[g * SPLIT + token] = MASKED; }
    return;
  }

  let head_quads = HEAD_SIZE / 4u;
  let scale = inverseSqrt(f32(HEAD_SIZE));
  for (var g = 0u; g < GROUP; g += 4u) {
    // Past the end of the group the last head is computed again, and not stored.
    let query = (rotation * KV_HEADS + kv_head) * GROUP;
    let q0 = (query + g) * head_quads;
    let q1 = (query + min(g + 1u, GROUP - 1u)) * head_quads;
    let q2 = (query + min(g + 2u, GROUP - 1u)) * head_quads;
    let q3 = (query + min(g + 3u, GROUP - 1u)) * head_quads;
    var sum = vec4<f32>(0.0);
    for (var c = 0u; c < HEAD_SIZE / 8u; c++) {
      let packed = keys[slot * (HEAD_SIZE / 8u) + c];
      let low = vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y));
      let high = vec4<f32>(unpack2x16float(packed.z), unpack2x16float(packed.w));
      let i = c * 2u;
      sum += vec4<f32>(
        dot(low, queries[q0 + i]) + dot(high, queries[q0 + i + 1u]),
        dot(low, queries[q1 + i]) + dot(high, queries[q1 + i + 1u]),
        dot(low, queries[q2 + i]) + dot(high, queries[q2 + i + 1u]),
        dot(low, queries[q3 + i]) + dot(high, queries[q3 + i + 1u]));
    }
    sum *= scale;
    for (var j = 0u; j < min(4u, GROUP - g); j++) { scores[(g + j) * SPLIT + token] = sum[j]; }
  }
}

fn sum_values(kv_head: u32, part: u32, first: u32, stride: u32, pair: u32, tokens: u32) {
  let pairs = HEAD_SIZE / 2u;
  for (var g = 0u; g < GROUP; g += 4u) {
    let r0 = g * SPLIT;
    let r1 = min(g + 1u, GROUP - 1u) * SPLIT;
    let r2 = min(g + 2u, GROUP - 1u) * SPLIT;
    let r3 = min(g + 3u, GROUP - 1u) * SPLIT;
    var even = vec4<f32>(0.0);
    var odd = vec4<f32>(0.0);
    var weight_sum = vec4<f32>(0.0);
    for (var token = first; token < tokens; token += stride) {
      let slot = slots[token];
      if (slot == NO_SLOT) { continue; }
      let value = unpack2x16float(values[slot * pairs + pair]);
      let weight = vec4<f32>(scores[r0 + token], scores[r1 + token], scores[r2 + token], scores[r3 + token]);
      even += weight * value.x;
      odd += weight * value.y;
      weight_sum += weight;
    }
    for (var j = 0u; j < min(4u, GROUP - g); j++) {
      let row = ((kv_head * GROUP + g + j) * MAX_PARTS + part) * (HEAD_SIZE + 2u);
      partials[row + pair * 2u] = even[j];
      partials[row + pair * 2u + 1u] = odd[j];
      if (pair == 0u) {
        partials[row + HEAD_SIZE] = weight_sum[j];
        partials[row + HEAD_SIZE + 1u] = row_max(g + j);
      }
    }
  }
}
