// Attention of many tokens over page lists, tiled, with the online softmax of FlashAttention.
//   y[token, head] = sum_t softmax_t(q . k_t / sqrt(HEAD_SIZE)) v_t   over the listed tokens that the row sees (lib/pages.wgsl)
// queries: [rotations, tokens, HEADS, HEAD_SIZE]   entries: [KV_HEADS, capacity], heads: [KV_HEADS]   y: [tokens, HEADS, HEAD_SIZE]
// One workgroup per KV head and QUERY_TOKENS tokens. Its rows are (token, head of the group) pairs, at most ROWS; the list is
// read KEYS tokens at a time, but for those that no row sees. Scores: each invocation makes tiles of 4 rows x 4 keys. Values: each
// invocation owns 4 rows x 8 channels of the result, so a workgroup has HEAD_SIZE invocations (8 row lanes x HEAD_SIZE / 8 channel lanes).
// Keys and values are read by lib/kv_open.wgsl or lib/kv_closed.wgsl, whatever the pages' form.

override KV_HEADS: u32;
override GROUP: u32;
override HEAD_SIZE: u32;
override QUERY_TOKENS: u32;
override RUN: u32 = 16;

const ROWS: u32 = 32;
const KEYS: u32 = 64;
// One word of padding keeps the rows of a column in different banks.
const SCORE_STRIDE: u32 = KEYS + 1;

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> keys: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> values: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> closed: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read> entries: array<Entry>;
@group(0) @binding(6) var<storage, read> heads: array<Head>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4<f32>>;

var<workgroup> head: Head;
var<workgroup> next_tile: u32;
var<workgroup> slots: array<u32, KEYS>;
var<workgroup> positions: array<u32, KEYS>;
var<workgroup> rotations: array<u32, KEYS>;
var<workgroup> scores: array<f32, ROWS * SCORE_STRIDE>;
var<workgroup> row_max: array<f32, ROWS>;
var<workgroup> row_sum: array<f32, ROWS>;
var<workgroup> row_scale: array<f32, ROWS>;

@compute @workgroup_size(HEAD_SIZE)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let kv_head = workgroup.x;
  let first_token = workgroup.y * QUERY_TOKENS;
  let last_position = step.position + min(first_token + QUERY_TOKENS, step.tokens) - 1u;
  let row_lane = lane / (HEAD_SIZE / 8u);
  let channel_lane = lane % (HEAD_SIZE / 8u);
  let row = row_lane * 4u;

  for (var r = lane; r < ROWS; r += HEAD_SIZE) {
    row_max[r] = MASKED;
    row_sum[r] = 0.0;
  }
  if (lane == 0u) { head = heads[kv_head]; }
  let tiles = (workgroupUniformLoad(&head).length + KEYS / RUN - 1u) / (KEYS / RUN);

  var a0 = vec4<f32>(0.0); var b0 = vec4<f32>(0.0);
  var a1 = vec4<f32>(0.0); var b1 = vec4<f32>(0.0);
  var a2 = vec4<f32>(0.0); var b2 = vec4<f32>(0.0);
  var a3 = vec4<f32>(0.0); var b3 = vec4<f32>(0.0);

  for (var after = 0u; ; ) {
    if (lane == 0u) { next_tile = find_tile(kv_head, after, tiles, step.position + first_token, last_position); }
    let tile = workgroupUniformLoad(&next_tile);
    if (tile == tiles) { break; }
    after = tile + 1u;

    for (var key = lane; key < KEYS; key += HEAD_SIZE) { place_key(kv_head, tile, key); }
    workgroupBarrier();
    for (var i = lane; i < (ROWS / 4u) * (KEYS / 4u); i += HEAD_SIZE) {
      score_tile(kv_head, first_token, (i / (KEYS / 4u)) * 4u, (i % (KEYS / 4u)) * 4u);
    }
    workgroupBarrier();
    for (var r = lane; r < ROWS; r += HEAD_SIZE) { update_row(r); }
    workgroupBarrier();

    let s0 = row_scale[row]; let s1 = row_scale[row + 1u]; let s2 = row_scale[row + 2u]; let s3 = row_scale[row + 3u];
    a0 *= s0; b0 *= s0; a1 *= s1; b1 *= s1; a2 *= s2; b2 *= s2; a3 *= s3; b3 *= s3;
    for (var key = 0u; key < KEYS; key++) {
      let slot = slots[key];
      if (slot == NO_SLOT) { continue; }
      let value = value_octet(slot, channel_lane);
      let w0 = scores[row * SCORE_STRIDE + key];
      let w1 = scores[(row + 1u) * SCORE_STRIDE + key];
      let w2 = scores[(row + 2u) * SCORE_STRIDE + key];
      let w3 = scores[(row + 3u) * SCORE_STRIDE + key];
      a0 += w0 * value.low; b0 += w0 * value.high;
      a1 += w1 * value.low; b1 += w1 * value.high;
      a2 += w2 * value.low; b2 += w2 * value.high;
      a3 += w3 * value.low; b3 += w3 * value.high;
    }
    workgroupBarrier();
  }

  store_row(kv_head, first_token, row, channel_lane, a0, b0);
  store_row(kv_head, first_token, row + 1u, channel_lane, a1, b1);
  store_row(kv_head, first_token, row + 2u, channel_lane, a2, b2);
  store_row(kv_head, first_token, row + 3u, channel_lane, a3, b3);
}

// The first tile from `tile` on of which some row sees a token, or `tiles`. Lists are in order of position, so the last row sees nothing of a
// tile that begins after it, and what lies behind the first row's window lies behind that of the others.
fn find_tile(kv_head: u32, tile: u32, tiles: u32, first_position: u32, last_position: u32) -> u32 {
  for (var t = tile; t < tiles; t++) {
    let first = entries[first_entry(kv_head) + t * (KEYS / RUN)].position;
    if (first > last_position) { return tiles; }
    let entry = entries[first_entry(kv_head) + min((t + 1u) * (KEYS / RUN), head.length) - 1u];
    let last = min(entry.position + entry.count - 1u, first_position);
    if (first < head.sinks || sees(head, first_position, last)) { return t; }
  }
  return tiles;
}

fn first_entry(kv_head: u32) -> u32 {
  return kv_head * (arrayLength(&entries) / KV_HEADS);
}

fn place_key(kv_head: u32, tile: u32, key: u32) {
  let index = tile * (KEYS / RUN) + key / RUN;
  let offset = key % RUN;
  slots[key] = NO_SLOT;
  positions[key] = NO_SLOT;
  if (index >= head.length) { return; }
  let entry = entries[first_entry(kv_head) + index];
  if (offset >= entry.count) { return; }
  positions[key] = entry.position + offset;
  rotations[key] = entry.rotation;
  // Pages are appended before they are read, so tokens up to the step's last row are there.
  // What is away no row sees.
  if ((entry.slot & AWAY) == 0u && entry.position + offset < step.position + step.tokens) { slots[key] = entry.slot + offset; }
}

// Row r of the workgroup is token r / GROUP and head r % GROUP; rows past the end repeat the last one and are not stored.
fn query_of(kv_head: u32, first_token: u32, r: u32, rotation: u32) -> u32 {
  let token = min(first_token + min(r / GROUP, QUERY_TOKENS - 1u), step.tokens - 1u);
  return ((rotation * step.tokens + token) * KV_HEADS * GROUP + kv_head * GROUP + r % GROUP) * (HEAD_SIZE / 4u);
}

fn score_tile(kv_head: u32, first_token: u32, row: u32, key: u32) {
  let k0 = find_key(select(slots[key], 0u, slots[key] == NO_SLOT));
  let k1 = find_key(select(slots[key + 1u], 0u, slots[key + 1u] == NO_SLOT));
  let k2 = find_key(select(slots[key + 2u], 0u, slots[key + 2u] == NO_SLOT));
  let k3 = find_key(select(slots[key + 3u], 0u, slots[key + 3u] == NO_SLOT));
  // RUN is a multiple of 4: four neighbouring keys share an entry, and so a rotation and a page.
  let rotation = select(rotations[key], 0u, slots[key] == NO_SLOT);
  let q0 = query_of(kv_head, first_token, row, rotation);
  let q1 = query_of(kv_head, first_token, row + 1u, rotation);
  let q2 = query_of(kv_head, first_token, row + 2u, rotation);
  let q3 = query_of(kv_head, first_token, row + 3u, rotation);
  var s0 = vec4<f32>(0.0);
  var s1 = vec4<f32>(0.0);
  var s2 = vec4<f32>(0.0);
  var s3 = vec4<f32>(0.0);
  for (var octet = 0u; octet < step.head_size / 8u; octet++) {
    let channels = find_channels(k0, octet);
    let x0 = key_octet(k0, octet, channels);
    let x1 = key_octet(k1, octet, channels);
    let x2 = key_octet(k2, octet, channels);
    let x3 = key_octet(k3, octet, channels);
    let low = mat4x4<f32>(x0.low, x1.low, x2.low, x3.low);
    let high = mat4x4<f32>(x0.high, x1.high, x2.high, x3.high);
    let c = octet * 2u;
    s0 += queries[q0 + c] * low + queries[q0 + c + 1u] * high;
    s1 += queries[q1 + c] * low + queries[q1 + c + 1u] * high;
    s2 += queries[q2 + c] * low + queries[q2 + c + 1u] * high;
    s3 += queries[q3 + c] * low + queries[q3 + c + 1u] * high;
  }
  store_scores(first_token, row, key, s0);
  store_scores(first_token, row + 1u, key, s1);
  store_scores(first_token, row + 2u, key, s2);
  store_scores(first_token, row + 3u, key, s3);
}

fn store_scores(first_token: u32, row: u32, key: u32, sums: vec4<f32>) {
  let query_position = step.position + first_token + row / GROUP;
  let scale = inverseSqrt(f32(HEAD_SIZE));
  for (var j = 0u; j < 4u; j++) {
    let live = slots[key + j] != NO_SLOT && sees(head, query_position, positions[key + j]);
    scores[row * SCORE_STRIDE + key + j] = select(MASKED, sums[j] * scale, live);
  }
}

// Folds a tile of scores into the row's running maximum and sum, and turns the scores into weights.
fn update_row(r: u32) {
  var largest = row_max[r];
  for (var key = 0u; key < KEYS; key++) { largest = max(largest, scores[r * SCORE_STRIDE + key]); }
  let scale = exp(row_max[r] - largest);
  var sum = row_sum[r] * scale;
  for (var key = 0u; key < KEYS; key++) {
    let score = scores[r * SCORE_STRIDE + key];
    let weight = select(exp(score - largest), 0.0, score == MASKED);
    scores[r * SCORE_STRIDE + key] = weight;
    sum += weight;
  }
  row_max[r] = largest;
  row_sum[r] = sum;
  row_scale[r] = scale;
}

fn store_row(kv_head: u32, first_token: u32, row: u32, channel_lane: u32, low: vec4<f32>, high: vec4<f32>) {
  let token = first_token + row / GROUP;
  if (row >= QUERY_TOKENS * GROUP || token >= step.tokens) { return; }
  let target_quad = ((token * KV_HEADS + kv_head) * GROUP + row % GROUP) * (HEAD_SIZE / 4u) + channel_lane * 2u;
  let inverse = 1.0 / row_sum[row];
  y[target_quad] = low * inverse;
  y[target_quad + 1u] = high * inverse;
}
