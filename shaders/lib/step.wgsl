// What changes from step to step; one slot of the uniform ring, shared by all kernels of the step.
struct Step {
  // Rows of this step: tokens of the prompt's chunk, or 1 when decoding.
  tokens: u32,
  // Absolute position of the first row.
  position: u32,
  // Query rotations in the step's table; rotation 0 is each row's own position.
  rotations: u32,
  // Splits of the longest list that decode attention reads.
  splits: u32,
  // HEAD_SIZE once more, for loops that must stay loops: drivers that compile for a CPU unroll what has a constant bound, and
  // then take 20 s over attention_decode.wgsl instead of 2 (lavapipe, Mesa 25).
  head_size: u32,
  // 16, for the same reason: tokens of a page.
  page_tokens: u32,
  // What selection takes: runs of a KV head, and how far back a candidate is met at the fixed distance instead of its own.
  runs: u32,
  far_from: u32,
}
