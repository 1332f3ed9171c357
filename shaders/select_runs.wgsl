// Selects the best runs among a head's candidates and writes the list that decode attention reads.
//   mass[run] = sum over the heads of the group of softmax over the runs of scores[run, head]         (scores, parts: select_score.wgsl)
// The step.runs runs of the largest mass are taken; of equal ones those that come first.
// entries: [KV_HEADS, capacity], heads: [KV_HEADS]. The pages [first, end) of a list are candidates, the others are read whatever they are.
// selected: [KV_HEADS, capacity of its own], in order of position, each entry of at most 16 / BOX_RUNS tokens; selected_heads: [KV_HEADS]
// hits: [pages by position], += 1 for each run that is taken
// looks: [KV_HEADS, step.runs], of each run that is taken 1 + the position of its page where that may be away, else 0; nothing where there is no room
// Runs of pages that are away are taken and then left out: their entries have no token.
// One workgroup per KV head. Masses are positive, so their bits sort as they do: the least mass that is taken is found by its 8-bit digits.

override KV_HEADS: u32;
override GROUP: u32;
override BOX_RUNS: u32;

override FOURS: u32 = (GROUP + 3u) / 4u;
override RUN: u32 = 16u / BOX_RUNS;

const LANES: u32 = 256;
const TEAM: u32 = 16;
const MOST_FOURS: u32 = 8;
const EVERYWHERE: u32 = 0xffffffffu;
// Pages of one part of the scores.
const PART_PAGES: u32 = 64;

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> entries: array<Entry>;
@group(0) @binding(2) var<storage, read> heads: array<Head>;
@group(0) @binding(3) var<storage, read_write> scores: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> selected: array<Entry>;
@group(0) @binding(6) var<storage, read_write> selected_heads: array<Head>;
@group(0) @binding(7) var<storage, read_write> hits: array<atomic<u32>>;
@group(0) @binding(8) var<storage, read_write> looks: array<u32>;

// Keys that are larger in the digits of `mask` are taken, and of those that are equal in them the first `ties`.
struct Cut {
  key: u32,
  mask: u32,
  ties: u32,
  found: bool,
}

var<workgroup> head: Head;
// By four heads: the largest score, and 1 over the sum of e^(score - largest).
var<workgroup> largest: array<vec4<f32>, MOST_FOURS>;
var<workgroup> weight: array<vec4<f32>, MOST_FOURS>;
var<workgroup> bins: array<atomic<u32>, LANES>;
var<workgroup> team_sums: array<vec2<u32>, TEAM>;
// Of each invocation's runs: how many are above the cut and how many are at it.
var<workgroup> counts: array<vec2<u32>, LANES>;
var<workgroup> next_cut: Cut;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let kv_head = workgroup.x;
  if (lane == 0u) { head = heads[kv_head]; }
  let list = workgroupUniformLoad(&head);
  let runs = (list.end - list.first) * BOX_RUNS;
  let taken = min(runs, step.runs);
  let first = list.first * BOX_RUNS;
  let length = first + taken + (list.length - list.end) * BOX_RUNS;

  for (var i = lane; i < length; i += LANES) {
    // Where all candidates are taken the list is copied as it is.
    let candidate = i >= first && i < first + taken;
    if (!candidate || runs == taken) { write_run(kv_head, i, select(i, i + runs - taken, i >= first), candidate); }
  }
  if (lane == 0u) {
    let kept = min(length, arrayLength(&selected) / KV_HEADS);
    selected_heads[kv_head] = Head(kept, kept, kept, 0u, 0u, EVERYWHERE, 0u, 0u);
  }
  if (runs == taken) { return; }

  if (lane < FOURS) { sum_parts(kv_head, lane, (runs / BOX_RUNS + PART_PAGES - 1u) / PART_PAGES); }
  workgroupBarrier();
  // Each invocation has runs that lie together, so that what is taken can be written in order.
  let share = (runs + LANES - 1u) / LANES;
  let begin = min(lane * share, runs);
  let end = min(begin + share, runs);
  for (var run = begin; run < end; run++) { store_mass(kv_head, run); }

  var cut = Cut(0u, 0u, taken, false);
  for (var shift = 24u; !cut.found; shift -= 8u) {
    atomicStore(&bins[lane], 0u);
    workgroupBarrier();
    for (var run = begin; run < end; run++) {
      let key = key_of(kv_head, run);
      if ((key & cut.mask) == cut.key) { atomicAdd(&bins[(key >> shift) & 255u], 1u); }
    }
    workgroupBarrier();
    if (lane < TEAM) {
      var sum = 0u;
      for (var i = lane * TEAM; i < (lane + 1u) * TEAM; i++) { sum += atomicLoad(&bins[i]); }
      team_sums[lane] = vec2<u32>(sum, 0u);
    }
    workgroupBarrier();
    if (lane == 0u) { next_cut = narrow(cut, shift); }
    cut = workgroupUniformLoad(&next_cut);
  }

  var count = vec2<u32>(0u);
  for (var run = begin; run < end; run++) { count += compare(key_of(kv_head, run), cut); }
  counts[lane] = count;
  workgroupBarrier();
  if (lane < TEAM) {
    var sum = vec2<u32>(0u);
    for (var i = lane * TEAM; i < (lane + 1u) * TEAM; i++) { sum += counts[i]; }
    team_sums[lane] = sum;
  }
  workgroupBarrier();
  var before = vec2<u32>(0u);
  for (var team = 0u; team < lane / TEAM; team++) { before += team_sums[team]; }
  for (var i = lane / TEAM * TEAM; i < lane; i++) { before += counts[i]; }
  for (var run = begin; run < end; run++) {
    let place = compare(key_of(kv_head, run), cut);
    if (place.x == 1u || (place.y == 1u && before.y < cut.ties)) {
      write_run(kv_head, first + before.x + min(before.y, cut.ties), first + run, true);
    }
    before += place;
  }
}

// Writes run `run` of a list, counted as if every entry had all its runs, as entry `index` of the selected one.
fn write_run(kv_head: u32, index: u32, run: u32, candidate: bool) {
  let capacity = arrayLength(&selected) / KV_HEADS;
  if (index >= capacity) { return; }
  var entry = entries[kv_head * (arrayLength(&entries) / KV_HEADS) + run / BOX_RUNS];
  let token = run % BOX_RUNS * RUN;
  if (candidate) {
    if (step.position - entry.position > step.far_from) { entry.rotation = FAR; }
    atomicAdd(&hits[min(entry.position >> PAGE_SHIFT, arrayLength(&hits) - 1u)], 1u);
    let look = kv_head * step.runs + index - head.first * BOX_RUNS;
    if (look < arrayLength(&looks)) { looks[look] = select(0u, entry.position + 1u, run / BOX_RUNS < head.moved); }
    if ((entry.slot & AWAY) != 0u) { entry.count = 0u; }
  }
  selected[kv_head * capacity + index] =
    Entry(entry.slot + token, entry.position + token, min(entry.count - min(entry.count, token), RUN), entry.rotation);
}

fn sum_parts(kv_head: u32, four: u32, count: u32) {
  let begin = arrayLength(&parts) / (KV_HEADS * FOURS * 2u) * (kv_head * FOURS + four) * 2u;
  var most = vec4<f32>(MASKED);
  for (var i = 0u; i < count; i++) { most = max(most, parts[begin + i * 2u]); }
  var sum = vec4<f32>(0.0);
  for (var i = 0u; i < count; i++) { sum += parts[begin + i * 2u + 1u] * exp(parts[begin + i * 2u] - most); }
  // Heads past the end of the group add nothing.
  let present = vec4<u32>(four * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(GROUP);
  largest[four] = most;
  weight[four] = select(vec4<f32>(0.0), 1.0 / sum, present);
}

fn place_of(kv_head: u32, four: u32, run: u32) -> u32 {
  return arrayLength(&scores) / (KV_HEADS * FOURS) * (kv_head * FOURS + four) + run;
}

// Puts the mass of a run in the place of its first four scores.
fn store_mass(kv_head: u32, run: u32) {
  var mass = 0.0;
  for (var four = 0u; four < FOURS; four++) {
    mass += dot(weight[four], exp(scores[place_of(kv_head, four, run)] - largest[four]));
  }
  scores[place_of(kv_head, 0u, run)] = vec4<f32>(mass);
}

fn key_of(kv_head: u32, run: u32) -> u32 {
  return bitcast<u32>(scores[place_of(kv_head, 0u, run)].x);
}

// Adds the digit at `shift` to a cut, from the bins of the keys that are equal in those before.
fn narrow(cut: Cut, shift: u32) -> Cut {
  var left = cut.ties;
  var team = TEAM - 1u;
  while (team > 0u && team_sums[team].x < left) {
    left -= team_sums[team].x;
    team--;
  }
  var digit = team * TEAM + TEAM - 1u;
  while (digit > team * TEAM && atomicLoad(&bins[digit]) < left) {
    left -= atomicLoad(&bins[digit]);
    digit--;
  }
  // Where all of the last bin are taken the digits that follow do not matter.
  let found = shift == 0u || atomicLoad(&bins[digit]) == left;
  return Cut(cut.key | (digit << shift), cut.mask | (255u << shift), left, found);
}

// (1, 0) for a key above the cut, (0, 1) for one at it.
fn compare(key: u32, cut: Cut) -> vec2<u32> {
  let digits = key & cut.mask;
  return vec2<u32>(u32(digits > cut.key), u32(digits == cut.key));
}
