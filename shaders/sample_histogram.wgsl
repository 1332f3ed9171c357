// histogram[bin] += what each token adds to the bin of its key's first digit: 1 for top-k, its mass for top-p alone.
// scores: [vocabulary]   chunk_best: [chunks]   histogram: [BINS] totals (low, high)
// One workgroup a chunk adds up in workgroup memory, then adds the bins that it filled to the result.

@group(0) @binding(0) var<uniform> sampling: Sampling;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> chunk_best: array<Best>;
@group(0) @binding(3) var<storage, read_write> histogram: array<atomic<u32>>;

var<workgroup> bins: array<atomic<u32>, 2u * BINS>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) chunk: vec3u, @builtin(num_workgroups) chunks: vec3u, @builtin(local_invocation_index) lane: u32) {
  var best = EXCLUDED;
  for (var c = 0u; c < chunks.x; c++) {
    best = max(best, chunk_best[c].score);
  }
  let end = min((chunk.x + 1u) * CHUNK, sampling.vocabulary);
  for (var id = chunk.x * CHUNK + lane; id < end; id += INVOCATIONS) {
    let key = key_of(scores[id], best);
    let bin = 2u * (key >> FIRST_SHIFT);
    if (sampling.top_k > 0u) {
      atomicAdd(&bins[bin], 1u);
    } else {
      let mass = mass_of(key, sampling.inverse_temperature);
      let before = atomicAdd(&bins[bin], mass.x);
      let high = mass.y + u32(before + mass.x < before);
      if (high > 0u) {
        atomicAdd(&bins[bin + 1u], high);
      }
    }
  }
  workgroupBarrier();

  let low = atomicLoad(&bins[2u * lane]);
  let high = atomicLoad(&bins[2u * lane + 1u]);
  if ((low | high) != 0u) {
    let before = atomicAdd(&histogram[2u * lane], low);
    let carry = u32(before + low < before);
    atomicAdd(&histogram[2u * lane + 1u], high + carry);
  }
}
