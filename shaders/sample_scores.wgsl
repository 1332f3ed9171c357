// scores[id] = logit of id after the repetition penalty; chunk_best[c] = highest score of the c-th CHUNK ids, lowest id on ties.
// logits, scores: [vocabulary]   tokens: ids of the timeline by position   histogram: zeroed for sample_histogram
// One workgroup a chunk; it marks which of its ids are in the window in a bitmap, so an id is penalised once however often it occurs.

@group(0) @binding(0) var<uniform> sampling: Sampling;
// The bits of f32 logits: tests for NaN and infinity are reliable on integers only.
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;
@group(0) @binding(4) var<storage, read_write> chunk_best: array<Best>;
@group(0) @binding(5) var<storage, read_write> histogram: array<u32>;

var<workgroup> seen: array<atomic<u32>, CHUNK / 32u>;
var<workgroup> highest: atomic<u32>;
var<workgroup> lowest_id: atomic<u32>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) chunk: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = chunk.x * CHUNK;
  if (lane == 0u) {
    atomicStore(&lowest_id, 0xffffffffu);
  }
  if (chunk.x == 0u) {
    histogram[2u * lane] = 0u;
    histogram[2u * lane + 1u] = 0u;
  }
  for (var position = sampling.window_start + lane; position < sampling.position; position += INVOCATIONS) {
    let offset = tokens[position] - first;
    if (offset < CHUNK) {
      atomicOr(&seen[offset / 32u], 1u << (offset % 32u));
    }
  }
  workgroupBarrier();

  // Excluded until a finite score is met; a chunk of none answers with its first id.
  var best = Best(EXCLUDED, first + lane);
  let end = min(first + CHUNK, sampling.vocabulary);
  for (var id = first + lane; id < end; id += INVOCATIONS) {
    let offset = id - first;
    let penalised = ((atomicLoad(&seen[offset / 32u]) >> (offset % 32u)) & 1u) == 1u;
    let score = score_of(logits[id], penalised);
    scores[id] = score;
    if (score > best.score) {
      best = Best(score, id);
    }
  }
  atomicMax(&highest, ascending(best.score));
  workgroupBarrier();
  if (ascending(best.score) == atomicLoad(&highest)) {
    atomicMin(&lowest_id, best.id);
  }
  workgroupBarrier();
  if (best.id == atomicLoad(&lowest_id)) {
    chunk_best[chunk.x] = best;
  }
}

fn score_of(bits: u32, penalised: bool) -> f32 {
  let is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  if (is_nan || bits == 0xff800000u) {
    return EXCLUDED;
  }
  if (bits == 0x7f800000u) {
    return LARGEST;
  }
  let logit = clamp(bitcast<f32>(bits), -LARGEST, LARGEST);
  // A product rounds the same way everywhere; a quotient need not.
  let factor = select(sampling.penalty, sampling.inverse_penalty, logit > 0.0);
  return select(logit, clamp(logit * factor, -LARGEST, LARGEST), penalised);
}
