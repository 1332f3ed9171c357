// Attention of one token over page lists, split along the list (flash-decoding); attention_combine.wgsl joins the splits.
//   partials[head, split] = (sum_t w_t v_t, sum_t w_t, m)   with w_t = exp(score_t - m), m = max_t score_t
// queries: [rotations, HEADS, HEAD_SIZE], HEADS = KV_HEADS * GROUP      heads: [KV_HEADS]
// entries: [KV_HEADS, capacity], each of at most RUN tokens      partials: [HEADS, step.splits, HEAD_SIZE + 2]
// One workgroup per KV head and split of SPLIT tokens. The query heads of a group are taken four at a time as the components of
// a vec4, so that one load of a key or a value serves them all.
// An entry with rotation FAR is met at the fixed distance D of rotation FAR_ROTATION, whatever its page p is: R(D) q . R(-16 p) k.
// turns: [pages by position, HEAD_SIZE / 2] of (cos, sin) of 16 p, made in f64 on the CPU
// Scores: each invocation has up to four tokens, so that one load of a query serves those.
// Values: 8 channels an invocation; TEAMS of HEAD_SIZE / 8 invocations share the tokens, and their sums are added at the end.
// Keys and values are read by lib/kv_open.wgsl or lib/kv_closed.wgsl, whatever the pages' form.
// Loads are what costs on a CPU that plays a GPU (lavapipe: about 70 ns for a vec4 on 8 lanes, wherever it lies).

override KV_HEADS: u32;
override GROUP: u32;
override HEAD_SIZE: u32;
override SPLIT: u32;
override RUN: u32;

const LANES: u32 = 64;
const REDUCERS: u32 = 8;

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> keys: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> values: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> closed: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read> entries: array<Entry>;
@group(0) @binding(6) var<storage, read> heads: array<Head>;
@group(0) @binding(7) var<storage, read> turns: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> partials: array<f32>;

var<workgroup> slots: array<u32, SPLIT>;
// Scores, then weights, of four query heads.
var<workgroup> scores: array<vec4<f32>, SPLIT>;
var<workgroup> maxima: array<vec4<f32>, REDUCERS>;
// Of four query heads: [TEAMS, HEAD_SIZE], and the teams' sums of weights.
var<workgroup> team_sums: array<vec4<f32>, LANES * 8>;
var<workgroup> team_weights: array<vec4<f32>, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let kv_head = workgroup.x;
  let split = workgroup.y;
  let first_entry = split * (SPLIT / RUN);
  let list_length = heads[kv_head].length;
  // Where nothing of this split is on the list its partials still must say so, for they are joined with the others.
  let tokens = min(SPLIT, (list_length - min(list_length, first_entry)) * RUN);

  let t0 = find_token(kv_head, first_entry, lane, tokens);
  let t1 = find_token(kv_head, first_entry, lane + LANES, tokens);
  let t2 = find_token(kv_head, first_entry, lane + 2u * LANES, tokens);
  let t3 = find_token(kv_head, first_entry, lane + 3u * LANES, tokens);
  slots[lane] = t0.x;
  if (SPLIT > LANES) { slots[lane + LANES] = t1.x; }
  if (SPLIT > 2u * LANES) {
    slots[lane + 2u * LANES] = t2.x;
    slots[lane + 3u * LANES] = t3.x;
  }

  for (var four = 0u; four * 4u < GROUP; four++) {
    for (var r = 0u; r < step.rotations; r++) { score_four_heads(kv_head, four, r, lane, t0, t1, t2, t3); }
    workgroupBarrier();
    if (lane < REDUCERS) {
      var m = vec4<f32>(MASKED);
      for (var token = lane; token < tokens; token += REDUCERS) { m = max(m, scores[token]); }
      maxima[lane] = m;
    }
    workgroupBarrier();
    let m = largest_score();
    for (var token = lane; token < tokens; token += LANES) {
      scores[token] = select(exp(scores[token] - m), vec4<f32>(0.0), slots[token] == NO_SLOT);
    }
    workgroupBarrier();
    sum_values(lane, tokens);
    workgroupBarrier();
    for (var channel = lane; channel < HEAD_SIZE; channel += LANES) { store_partials(kv_head, split, four, channel, m); }
  }
}

fn largest_score() -> vec4<f32> {
  var m = vec4<f32>(MASKED);
  for (var i = 0u; i < REDUCERS; i++) { m = max(m, maxima[i]); }
  return m;
}

// Slot, rotation and page by position of a token of the split, and NO_SLOT where there is none or it lies beyond the query.
fn find_token(kv_head: u32, first_entry: u32, token: u32, tokens: u32) -> vec3<u32> {
  if (token >= tokens) { return vec3<u32>(NO_SLOT, 0u, 0u); }
  let entry = entries[kv_head * (arrayLength(&entries) / KV_HEADS) + first_entry + token / RUN];
  let offset = token % RUN;
  let live = offset < entry.count && entry.position + offset <= step.position;
  let rotation = select(entry.rotation, FAR_ROTATION, entry.rotation == FAR);
  return vec3<u32>(select(NO_SLOT, entry.slot + offset, live), rotation, entry.position >> PAGE_SHIFT);
}

// Scores of four query heads for the tokens whose entries ask for this rotation. Past the end of the group the last head is taken again.
fn score_four_heads(kv_head: u32, four: u32, rotation: u32, lane: u32, t0: vec3<u32>, t1: vec3<u32>, t2: vec3<u32>, t3: vec3<u32>) {
  let quads = HEAD_SIZE / 4u;
  let head = (rotation * KV_HEADS + kv_head) * GROUP + four * 4u;
  let last = GROUP - 1u - four * 4u;
  let q0 = head * quads;
  let q1 = (head + min(1u, last)) * quads;
  let q2 = (head + min(2u, last)) * quads;
  let q3 = (head + min(3u, last)) * quads;
  let k0 = find_key(select(t0.x, 0u, t0.x == NO_SLOT));
  let k1 = find_key(select(t1.x, 0u, t1.x == NO_SLOT));
  let k2 = find_key(select(t2.x, 0u, t2.x == NO_SLOT));
  let k3 = find_key(select(t3.x, 0u, t3.x == NO_SLOT));
  var s0 = vec4<f32>(0.0);
  var s1 = vec4<f32>(0.0);
  var s2 = vec4<f32>(0.0);
  var s3 = vec4<f32>(0.0);
  for (var octet = 0u; octet < step.head_size / 8u; octet++) {
    let i = octet * 2u;
    let low = mat4x4<f32>(queries[q0 + i], queries[q1 + i], queries[q2 + i], queries[q3 + i]);
    let high = mat4x4<f32>(queries[q0 + i + 1u], queries[q1 + i + 1u], queries[q2 + i + 1u], queries[q3 + i + 1u]);
    s0 += score_octet(k0, octet, rotation, t0.z, low, high);
    if (SPLIT > LANES) { s1 += score_octet(k1, octet, rotation, t1.z, low, high); }
    if (SPLIT > 2u * LANES) {
      s2 += score_octet(k2, octet, rotation, t2.z, low, high);
      s3 += score_octet(k3, octet, rotation, t3.z, low, high);
    }
  }
  store_score(lane, t0, rotation, s0);
  if (SPLIT > LANES) { store_score(lane + LANES, t1, rotation, s1); }
  if (SPLIT > 2u * LANES) {
    store_score(lane + 2u * LANES, t2, rotation, s2);
    store_score(lane + 3u * LANES, t3, rotation, s3);
  }
}

// Eight channels of a key against those of four queries, the columns of `low` and `high`.
fn score_octet(key: Key, octet: u32, rotation: u32, page: u32, low: mat4x4<f32>, high: mat4x4<f32>) -> vec4<f32> {
  var channels = key_octet(key, octet, find_channels(key, octet));
  if (rotation == FAR_ROTATION) {
    let turn = page * (HEAD_SIZE / 4u) + octet * 2u;
    channels = Octet(turn_back(channels.low, turns[turn]), turn_back(channels.high, turns[turn + 1u]));
  }
  return channels.low * low + channels.high * high;
}

// Turns two pairs of channels back by two angles, each given as (cos, sin).
fn turn_back(pairs: vec4<f32>, angles: vec4<f32>) -> vec4<f32> {
  return pairs * angles.xxzz + pairs.yxwz * vec4<f32>(angles.y, -angles.y, angles.w, -angles.w);
}

fn store_score(index: u32, token: vec3<u32>, rotation: u32, sum: vec4<f32>) {
  if (token.x == NO_SLOT) {
    scores[index] = vec4<f32>(MASKED);
  } else if (token.y == rotation) {
    scores[index] = sum * inverseSqrt(f32(HEAD_SIZE));
  }
}

fn sum_values(lane: u32, tokens: u32) {
  let octets = HEAD_SIZE / 8u;
  let teams = LANES / octets;
  let team = lane / octets;
  let octet = lane % octets;
  if (team >= teams) { return; }
  var a0 = vec4<f32>(0.0); var a1 = vec4<f32>(0.0); var a2 = vec4<f32>(0.0); var a3 = vec4<f32>(0.0);
  var a4 = vec4<f32>(0.0); var a5 = vec4<f32>(0.0); var a6 = vec4<f32>(0.0); var a7 = vec4<f32>(0.0);
  var weights = vec4<f32>(0.0);
  for (var token = team; token < tokens; token += teams) {
    let slot = slots[token];
    if (slot == NO_SLOT) { continue; }
    let weight = scores[token];
    let value = value_octet(slot, octet);
    a0 += weight * value.low.x; a1 += weight * value.low.y; a2 += weight * value.low.z; a3 += weight * value.low.w;
    a4 += weight * value.high.x; a5 += weight * value.high.y; a6 += weight * value.high.z; a7 += weight * value.high.w;
    weights += weight;
  }
  let first = team * HEAD_SIZE + octet * 8u;
  team_sums[first] = a0; team_sums[first + 1u] = a1; team_sums[first + 2u] = a2; team_sums[first + 3u] = a3;
  team_sums[first + 4u] = a4; team_sums[first + 5u] = a5; team_sums[first + 6u] = a6; team_sums[first + 7u] = a7;
  if (octet == 0u) { team_weights[team] = weights; }
}

fn store_partials(kv_head: u32, split: u32, four: u32, channel: u32, m: vec4<f32>) {
  var sum = vec4<f32>(0.0);
  var weights = vec4<f32>(0.0);
  for (var team = 0u; team < LANES / (step.head_size / 8u); team++) {
    sum += team_sums[team * HEAD_SIZE + channel];
    weights += team_weights[team];
  }
  let heads = min(4u, GROUP - four * 4u);
  store_partial(kv_head, split, four * 4u, channel, sum.x, weights.x, m.x);
  if (heads > 1u) { store_partial(kv_head, split, four * 4u + 1u, channel, sum.y, weights.y, m.y); }
  if (heads > 2u) { store_partial(kv_head, split, four * 4u + 2u, channel, sum.z, weights.z, m.z); }
  if (heads > 3u) { store_partial(kv_head, split, four * 4u + 3u, channel, sum.w, weights.w, m.w); }
}

fn store_partial(kv_head: u32, split: u32, g: u32, channel: u32, sum: f32, weights: f32, m: f32) {
  let row = ((kv_head * GROUP + g) * step.splits + split) * (HEAD_SIZE + 2u);
  partials[row + channel] = sum;
  if (channel == 0u) {
    partials[row + HEAD_SIZE] = weights;
    partials[row + HEAD_SIZE + 1u] = m;
  }
}
