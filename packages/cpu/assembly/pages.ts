// Pages of the KV cache on the CPU: 16 tokens of one KV head as four runs of 4 tokens, each run in one piece, so that a list entry may
// name a run and a kernel reads nothing else. Layout of a run:
//   keys    int8 [E / 2][4 tokens][2 channels]      8 bytes widen to 4 tokens x 2 channels: one dot product, a token to a lane
//   values  int8 [2 pairs of tokens][E][2 tokens]   8 bytes widen to 4 channels x 2 tokens: one dot product, a channel to a lane
//   scales  f32 [4] of the keys, [4] of the values  absmax / 127 of each token
// A run's number is its address divided by its size; the slot of a token is 4 run + token, which is 16 page + token as elsewhere.

export const RUN_TOKENS: i32 = 4;

/** u32 words of a list entry: slot, position, count, rotation. */
export const ENTRY_BYTES: usize = 16;

export function runBytes(headSize: i32): usize {
  return ((<usize>headSize) << 3) + 32;
}

/** Where a run's values begin; its keys begin at 0. */
export function valuesOffset(headSize: i32): usize {
  return (<usize>headSize) << 2;
}

/** Where the scales of a run's keys begin; those of its values follow after 16 bytes. */
export function scalesOffset(headSize: i32): usize {
  return (<usize>headSize) << 3;
}
