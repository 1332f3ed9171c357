// tokens[position] = sampled[0] = argmax over the tokens that are kept of gumbel(seed, position, id) - distance / temperature,
// which draws each with its probability (Gumbel-max). Kept are the keys up to those of top-k, then top-p, then min-p.
// scores: [vocabulary]   chunk_best: [ceil(vocabulary / CHUNK)]   histogram: [BINS] totals   candidates: (key, id), a column an invocation
// One workgroup: it looks at all scores once, and after that at those in or before the bin where the first truncation falls.

@group(0) @binding(0) var<uniform> sampling: Sampling;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> chunk_best: array<Best>;
@group(0) @binding(3) var<storage, read> histogram: array<u32>;
@group(0) @binding(4) var<storage, read_write> candidates: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(6) var<storage, read_write> sampled: array<u32>;

const GROUP: u32 = 16u;

// Totals (low, high) of tokens by a digit of their key, then those of GROUP bins each.
var<workgroup> bins: array<atomic<u32>, 2u * BINS>;
var<workgroup> group_totals: array<vec2u, BINS / GROUP>;
// The bin where the running total reaches its target, and the running total before it.
var<workgroup> chosen_bin: u32;
var<workgroup> chosen_before: vec2u;
var<workgroup> highest: atomic<u32>;
var<workgroup> lowest_id: atomic<u32>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(local_invocation_index) lane: u32) {
  var best = chunk_best[0];
  for (var c = 1u; c < (sampling.vocabulary + CHUNK - 1u) / CHUNK; c++) {
    if (chunk_best[c].score > best.score) {
      best = chunk_best[c];
    }
  }
  if (sampling.inverse_temperature == 0.0) {
    if (lane == 0u) {
      answer(best.id);
    }
    return;
  }

  var count = 0u;
  if (sampling.digits == 0u) {
    count = collect(lane, best.score, sampling.min_p_key);
  }
  var limit = EXCLUDED_KEY - 1u;
  // The digits that are known of the largest key that top-k keeps, or top-p among those; and what the keys that begin so still
  // have to add up to. Where fewer than k tokens can be drawn the first digit is that of EXCLUDED_KEY: any others after it keep all.
  var prefix = 0u;
  var wanted = vec2u(0u);
  for (var digit = 0u; digit < sampling.digits; digit++) {
    let shift = FIRST_SHIFT - 8u * (digit % DIGITS);
    let by_mass = sampling.top_k == 0u || digit >= DIGITS;
    if (digit == 0u) {
      set_bin(lane, vec2u(histogram[2u * lane], histogram[2u * lane + 1u]));
    } else {
      set_bin(lane, vec2u(0u));
      workgroupBarrier();
      fill_bins(lane, count, limit, prefix, shift, by_mass);
    }
    workgroupBarrier();
    // Running totals before this invocation's bin and up to it, in its group so far.
    let before = total_before_in_group(lane);
    let after = add(before, bin_total(lane));
    if (lane % GROUP == GROUP - 1u) {
      group_totals[lane / GROUP] = after;
    }
    workgroupBarrier();
    if (shift == FIRST_SHIFT) {
      prefix = 0u;
      wanted = first_target(by_mass);
    }
    choose_bin(lane, before, after, wanted);
    workgroupBarrier();
    prefix |= chosen_bin << shift;
    wanted = subtract(wanted, chosen_before);
    if (digit == 0u) {
      count = collect(lane, best.score, prefix | 0xffffffu);
    }
    if (shift == 0u) {
      limit = prefix;
    }
  }
  draw(lane, count, min(limit, sampling.min_p_key), best.id);
}

// Writes the tokens with keys up to `limit` to this invocation's column, which no other reads, and returns their number.
fn collect(lane: u32, best: f32, limit: u32) -> u32 {
  var count = 0u;
  for (var id = lane; id < sampling.vocabulary; id += INVOCATIONS) {
    let key = key_of(scores[id], best);
    if (key <= limit && key < EXCLUDED_KEY) {
      candidates[count * INVOCATIONS + lane] = vec2u(key, id);
      count++;
    }
  }
  return count;
}

// Adds up the candidates with keys up to `limit` that begin as `prefix` does, by their digit at `shift`.
fn fill_bins(lane: u32, count: u32, limit: u32, prefix: u32, shift: u32, by_mass: bool) {
  for (var c = 0u; c < count; c++) {
    let key = candidates[c * INVOCATIONS + lane].x;
    // Two shifts, because one by 32 bits is none.
    if (key <= limit && (((key ^ prefix) >> shift) >> 8u) == 0u) {
      var amount = vec2u(1u, 0u);
      if (by_mass) {
        amount = mass_of(key, sampling.inverse_temperature);
      }
      let bin = 2u * ((key >> shift) & 0xffu);
      let before = atomicAdd(&bins[bin], amount.x);
      let high = amount.y + u32(before + amount.x < before);
      if (high > 0u) {
        atomicAdd(&bins[bin + 1u], high);
      }
    }
  }
}

// Chooses the first bin at which the running total reaches `wanted`: the one invocation whose bin that is says so.
fn choose_bin(lane: u32, before: vec2u, after: vec2u, wanted: vec2u) {
  var groups_before = vec2u(0u);
  for (var group = 0u; group < lane / GROUP; group++) {
    groups_before = add(groups_before, group_totals[group]);
  }
  let total_before = add(groups_before, before);
  if ((lane == 0u || less(total_before, wanted)) && !less(add(groups_before, after), wanted)) {
    chosen_bin = lane;
    chosen_before = total_before;
  }
}

fn total_before_in_group(lane: u32) -> vec2u {
  var total = vec2u(0u);
  for (var bin = lane - lane % GROUP; bin < lane; bin++) {
    total = add(total, bin_total(bin));
  }
  return total;
}

// Top-k: k tokens. Top-p: its share of all the mass, rounded to f32 and never above the whole.
fn first_target(by_mass: bool) -> vec2u {
  if (!by_mass) {
    return vec2u(sampling.top_k, 0u);
  }
  var whole = vec2u(0u);
  for (var group = 0u; group < BINS / GROUP; group++) {
    whole = add(whole, group_totals[group]);
  }
  let share = sampling.top_p * (f32(whole.y) + f32(whole.x) * 0x1p-32);
  let high = floor(share);
  let rounded = vec2u(u32((share - high) * 0x1p32), u32(high));
  return select(rounded, whole, less(whole, rounded));
}

// Among equal values, which 32 bits of noise make rare, the lowest id wins. Without candidates, `fallback` does.
fn draw(lane: u32, count: u32, limit: u32, fallback: u32) {
  if (lane == 0u) {
    atomicStore(&lowest_id, 0xffffffffu);
  }
  var best = Best(EXCLUDED, fallback);
  for (var c = 0u; c < count; c++) {
    let candidate = candidates[c * INVOCATIONS + lane];
    if (candidate.x <= limit) {
      let noise = gumbel(random_bits(sampling.seed, sampling.position, candidate.y));
      let value = noise - distance_of(candidate.x) * sampling.inverse_temperature;
      if (value > best.score) {
        best = Best(value, candidate.y);
      }
    }
  }
  atomicMax(&highest, ascending(best.score));
  workgroupBarrier();
  if (ascending(best.score) == atomicLoad(&highest)) {
    atomicMin(&lowest_id, best.id);
  }
  workgroupBarrier();
  if (lane == 0u) {
    answer(atomicLoad(&lowest_id));
  }
}

fn answer(id: u32) {
  tokens[sampling.position] = id;
  sampled[0] = id;
}

fn set_bin(bin: u32, total: vec2u) {
  atomicStore(&bins[2u * bin], total.x);
  atomicStore(&bins[2u * bin + 1u], total.y);
}

fn bin_total(bin: u32) -> vec2u {
  return vec2u(atomicLoad(&bins[2u * bin]), atomicLoad(&bins[2u * bin + 1u]));
}

fn add(a: vec2u, b: vec2u) -> vec2u {
  let low = a.x + b.x;
  return vec2u(low, a.y + b.y + u32(low < a.x));
}

fn subtract(a: vec2u, b: vec2u) -> vec2u {
  return vec2u(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}

fn less(a: vec2u, b: vec2u) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}
