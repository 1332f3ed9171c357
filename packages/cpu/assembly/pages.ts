// Pages of the KV cache on the CPU: 16 tokens of one KV head as four runs of 4 tokens, each run in one piece, so that a list entry may
// name a run and a kernel reads nothing else. Layout of a run:
//   keys    int16 [E / 2][4 tokens][2 channels]     16 bytes are 4 tokens x 2 channels: one dot product, a token to a lane
//   values  int8 [2 pairs of tokens][E][2 tokens]   8 bytes widen to 4 channels x 2 tokens: one dot product, a channel to a lane
//   scales  f32 [4] of the keys, [4] of the values  norm / 32767 and absmax / 127 of each token
// Values lose little in 8 bits. Keys would lose too much: they meet large queries, and what goes wrong goes wrong in an exponent. On
// SmolLM2-135M 8-bit keys with a scale for each token make most of the divergence from exact arithmetic (a mean KL of 8e-4 of 1e-3).
// A run's number is its address divided by its size; the slot of a token is 4 run + token, which is 16 page + token as elsewhere.

export const RUN_TOKENS: i32 = 4;

/** u32 words of a list entry: slot, position, count, rotation. */
export const ENTRY_BYTES: usize = 16;

export function runBytes(headSize: i32): usize {
  return 12 * <usize>headSize + 32;
}

/** Length of a key as integers, and of a query: the product of two, and any part of it, fits 32 bits by Cauchy and Schwarz. */
export const INTEGER_NORM: f32 = 32767;

/** Where a run's values begin; its keys begin at 0. */
export function valuesOffset(headSize: i32): usize {
  return (<usize>headSize) << 3;
}

/** Where the scales of a run's keys begin; those of its values follow after 16 bytes. */
export function scalesOffset(headSize: i32): usize {
  return 12 * <usize>headSize;
}
