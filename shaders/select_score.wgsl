// Scores the runs among which a decode step selects, by the boxes of their keys (lib/closed_page.wgsl).
//   scores[run, head] = sum_c max(q_c, 0) high_c + min(q_c, 0) low_c, over sqrt(HEAD_SIZE)
// queries: [rotations, HEADS, HEAD_SIZE], HEADS = KV_HEADS * GROUP      entries: [KV_HEADS, capacity], heads: [KV_HEADS]
// The runs are those of the pages [first, end) of a head's list. The query heads of a group are taken four at a time (FOURS times).
// scores: [KV_HEADS, FOURS, runs] of four heads
// parts: [KV_HEADS, FOURS, workgroups of a KV head, 2]: the largest of a workgroup's scores, and the sum of e^(score - largest)
// A page p that lies more than step.far_from positions back is met at the fixed distance D of rotation FAR_ROTATION: by R(16 p) R(D) q.
// turns: [pages by position, HEAD_SIZE / 2] of (cos, sin) of 16 p
// One workgroup per KV head and LANES pages, one invocation per page.

override KV_HEADS: u32;
override GROUP: u32;
override HEAD_SIZE: u32;

// Whether there may be such pages.
override MEETS_FAR: bool;

override FOURS: u32 = (GROUP + 3u) / 4u;
override STUBS: u32 = RECORD / KEYS_AT;

const LANES: u32 = 64;
const TEAM: u32 = 8;
const MOST_RUNS: u32 = 4;

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> entries: array<Entry>;
@group(0) @binding(3) var<storage, read> heads: array<Head>;
@group(0) @binding(4) var<storage, read> closed: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read> turns: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> scores: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> parts: array<vec4<f32>>;

var<workgroup> head: Head;
// Four query heads, by channel.
var<workgroup> query: array<vec4<f32>, HEAD_SIZE>;
// The same at distance D.
var<workgroup> far_query: array<vec4<f32>, HEAD_SIZE>;
var<workgroup> part_maxima: array<vec4<f32>, LANES>;
var<workgroup> part_sums: array<vec4<f32>, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let kv_head = workgroup.x;
  if (lane == 0u) { head = heads[kv_head]; }
  let list = workgroupUniformLoad(&head);
  let first_page = workgroup.y * LANES;
  if (first_page >= list.end - list.first) { return; }
  let pages = min(LANES, list.end - list.first - first_page);

  for (var four = 0u; four < FOURS; four++) {
    for (var channel = lane; channel < step.head_size; channel += LANES) {
      query[channel] = four_heads(kv_head, four, 0u, channel);
      if (MEETS_FAR && step.rotations > FAR_ROTATION) { far_query[channel] = four_heads(kv_head, four, FAR_ROTATION, channel); }
    }
    workgroupBarrier();
    if (lane < pages) { score_page(kv_head, four, first_page, lane); }
    workgroupBarrier();
    if (lane < TEAM) { merge_parts(lane, lane, pages, TEAM); }
    workgroupBarrier();
    if (lane == 0u) {
      merge_parts(0u, 0u, min(pages, TEAM), 1u);
      let part = (arrayLength(&parts) / (KV_HEADS * FOURS * 2u) * (kv_head * FOURS + four) + workgroup.y) * 2u;
      parts[part] = part_maxima[0];
      parts[part + 1u] = part_sums[0];
    }
    workgroupBarrier();
  }
}

// A channel of four query heads. Past the end of the group the last head is taken again.
fn four_heads(kv_head: u32, four: u32, rotation: u32, channel: u32) -> vec4<f32> {
  let heads_of_four = vec4<u32>(rotation * KV_HEADS * GROUP + kv_head * GROUP) + min(vec4<u32>(four * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(GROUP - 1u));
  let i = heads_of_four * HEAD_SIZE + channel;
  return vec4<f32>(queries[i.x], queries[i.y], queries[i.z], queries[i.w]);
}

fn score_page(kv_head: u32, four: u32, first_page: u32, lane: u32) {
  let entry = entries[kv_head * (arrayLength(&entries) / KV_HEADS) + head.first + first_page + lane];
  let record = record_of(entry.slot);
  let page = entry.position >> PAGE_SHIFT;
  let is_far = step.position - entry.position > step.far_from;
  let scales = channel_scales(record);
  // Of what is the same for all runs of the page, and of what is not.
  var page_sum = vec4<f32>(0.0);
  var sums = array<vec4<f32>, MOST_RUNS>();
  for (var octet = 0u; octet < step.head_size / 8u; octet++) {
    let offsets = channel_offsets(record, scales, octet);
    let ranges = channel_ranges(record, scales, octet);
    var words = array<u32, 2 * MOST_RUNS>();
    for (var i = 0u; i < BOX_RUNS; i++) {
      let pair = closed[(record + BOXES_AT) / 2u + octet * BOX_RUNS + i];
      words[i * 2u] = pair.x;
      words[i * 2u + 1u] = pair.y;
    }
    for (var i = 0u; i < 8u; i++) {
      let q = query_at(octet * 8u + i, page, is_far);
      page_sum += q * select(offsets.low[i % 4u], offsets.high[i % 4u], i > 3u);
      let scaled = q * (select(ranges.low[i % 4u], ranges.high[i % 4u], i > 3u) / 15.0);
      let positive = max(scaled, vec4<f32>(0.0));
      let negative = min(scaled, vec4<f32>(0.0));
      let shift = i % 4u * 8u + i / 4u * 4u;
      for (var run = 0u; run < BOX_RUNS; run++) {
        sums[run] += positive * f32((words[run] >> shift) & 15u) + negative * f32((words[BOX_RUNS + run] >> shift) & 15u);
      }
    }
  }

  let at = arrayLength(&scores) / (KV_HEADS * FOURS) * (kv_head * FOURS + four) + (first_page + lane) * BOX_RUNS;
  let scale = inverseSqrt(f32(HEAD_SIZE));
  var largest = vec4<f32>(MASKED);
  for (var run = 0u; run < BOX_RUNS; run++) {
    sums[run] = (sums[run] + page_sum) * scale;
    scores[at + run] = sums[run];
    largest = max(largest, sums[run]);
  }
  var sum = vec4<f32>(0.0);
  for (var run = 0u; run < BOX_RUNS; run++) { sum += exp(sums[run] - largest); }
  part_maxima[lane] = largest;
  part_sums[lane] = sum;
}

// First word of what is stored of a page's keys. Of a page that is away that is a stub, a record up to its codes: STUBS in the place of a record.
fn record_of(slot: u32) -> u32 {
  let page = (slot & ~(CLOSED | AWAY)) >> PAGE_SHIFT;
  return select(page * RECORD, page / STUBS * RECORD + page % STUBS * KEYS_AT, (slot & AWAY) != 0u);
}

// A channel of the queries as they meet a page.
fn query_at(channel: u32, page: u32, is_far: bool) -> vec4<f32> {
  if (!MEETS_FAR || !is_far) { return query[channel]; }
  let turn = turns[(page * HEAD_SIZE + channel) / 2u];
  // (a, b) -> (a cos - b sin, a sin + b cos)
  return far_query[channel] * turn.x + far_query[channel ^ 1u] * select(-turn.y, turn.y, channel % 2u == 1u);
}

// Merges the parts `first`, `first` + `stride` and so on before `end` into part `lane`.
fn merge_parts(lane: u32, first: u32, end: u32, stride: u32) {
  var largest = vec4<f32>(MASKED);
  var sum = vec4<f32>(0.0);
  for (var i = first; i < end; i += stride) {
    let next = max(largest, part_maxima[i]);
    sum = sum * exp(largest - next) + part_sums[i] * exp(part_maxima[i] - next);
    largest = next;
  }
  part_maxima[lane] = largest;
  part_sums[lane] = sum;
}
