// The paged KV cache. A page holds 16 tokens of one KV head of one layer, a slot is one token's place in the pool:
//   slot = page * 16 + token        keys, values: [slots, HEAD_SIZE] as pairs of f16 in u32 words

// One run of tokens on a head's page list: a whole page or part of one.
struct Entry {
  // Slot of the run's first token.
  slot: u32,
  // Absolute position of that token.
  position: u32,
  // Tokens in the run. Those beyond the query's own position are not there yet and are masked.
  count: u32,
  // Which of the step's query rotations meets these keys.
  rotation: u32,
}

const NO_SLOT: u32 = 0xffffffffu;
// Stands for the score of a masked token: finite, so that differences of scores are never NaN.
const MASKED: f32 = -3.0e38;
