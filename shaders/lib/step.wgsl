// What changes from step to step; one slot of the uniform ring, shared by all kernels of the step.
struct Step {
  // Rows of this step: tokens of the prompt's chunk, or 1 when decoding.
  tokens: u32,
  // Absolute position of the first row.
  position: u32,
  // Query rotations in the step's table; rotation 0 is each row's own position.
  rotations: u32,
  // Rows of attention's partial results per head: the most splits of any list.
  splits: u32,
}
