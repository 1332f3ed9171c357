// Pages of the KV cache on the CPU: 16 tokens of one KV head, as four runs of 4 tokens. A page's number is its address divided by its
// size, and the slot of a token is 16 page + token. There are two forms with sizes, and so with numbers, of their own.
//
// Open pages take tokens. A run lies in one piece, so that a list entry may name a run and a kernel reads nothing else:
//   keys    int16 [E / 2][4 tokens][2 channels]     16 bytes are 4 tokens x 2 channels: one dot product, a token to a lane
//   values  int8 [2 pairs of tokens][E][2 tokens]   8 bytes widen to 4 channels x 2 tokens: one dot product, a channel to a lane
//   scales  f32 [4] of the keys, [4] of the values  norm / 32767 and absmax / 127 of each token
// Values lose little in 8 bits. Keys would lose too much: they meet large queries, and what goes wrong goes wrong in an exponent. On
// SmolLM2-135M 8-bit keys with a scale for each token make most of the divergence from exact arithmetic (a mean KL of 8e-4 of 1e-3).
//
// Closed pages hold complete ones in fewer bits. Scales of keys are each channel's own, and lose a tenth of that:
//   keys    int8 or 4 bits [E / 2][16 tokens][2 channels]; 4 bits: 16 bytes have the first 8 tokens in their low halves
//   values  int8 as above, or 4 bits [4 runs][E][2 tokens] with the first pair of tokens in the low halves
//   ranges  int16 [E] steps, int16 [E] middles, f32 scale: a key is step * (quant << 8) / 2^15 + middle, in units of the scale
//   scales  f32 [16] of the values, int8 [16] offsets: a value of 4 bits is 8 quant + offset, in units of its scale
// Quants of 4 bits are 0 to 15; of keys they stand for the odd numbers from -15 to 15, times eight.
//
// Selection (select) looks at the ranges of pages before it looks at keys; where pages stay open they have ranges at their end for it. Where it
// goes by boxes instead (box.ts), complete pages have those at their end, in whichever form they are.

export const PAGE_TOKENS: usize = 16;
export const RUN_TOKENS: i32 = 4;

const VALUE_SCALES_BYTES: usize = 80;
/** Where the offsets of values begin, behind their scales. */
export const VALUE_OFFSETS: usize = 64;

/** Bit of an entry's slot word: the page is a closed one. */
export const CLOSED: u32 = 0x80000000;

/** Bit of an entry's slot word: the page is away, and at its number among the stubs are its ranges only. */
export const AWAY: u32 = 0x40000000;

/** Length of a key as integers, and of a query: the product of two, and any part of it, fits 32 bits by Cauchy and Schwarz. */
export const INTEGER_NORM: f32 = 32767;
/** Of the longest key of a closed page: what rounding adds must fit int16 too. */
export const CLOSED_NORM: f32 = 30000;

// What the pages of the layer are that kernels meet, behind the job block: every thread reads it, and none while it changes.
const KEY_BITS: usize = 768;
const VALUE_BITS: usize = 772;
const BOX_TOKENS: usize = 776;
const OPEN_BYTES: usize = 780;
const CLOSED_BYTES: usize = 784;
const SHRINK: usize = 788;
const RANGES: usize = 792;

/**
 * Says what the pages are that kernels meet from now on: those of one layer.
 * @param keyBits of closed pages: 16 (pages stay open), 8 or 4
 * @param valueBits 8 or 4
 * @param boxTokens tokens of the runs that complete pages have boxes of: 0 (none), 4, 8 or 16
 * @param shrink how far a box reaches from the mean of its keys to their bounds
 * @param ranges whether complete pages that stay open have ranges
 */
export function setPages(headSize: i32, keyBits: i32, valueBits: i32, boxTokens: i32, shrink: f32, ranges: bool): void {
  store<i32>(KEY_BITS, keyBits);
  store<i32>(VALUE_BITS, valueBits);
  store<i32>(BOX_TOKENS, boxTokens);
  store<f32>(SHRINK, shrink);
  store<i32>(RANGES, ranges);
  const boxes = boxTokens > 0 ? (PAGE_TOKENS / <usize>boxTokens) * boxBytes(headSize) : 0;
  const open: usize = 4 * runBytes(headSize) + (keyBits == 16 ? boxes + (ranges ? rangesBytes(headSize) : 0) : 0);
  store<usize>(OPEN_BYTES, wholeLines(open));
  store<usize>(CLOSED_BYTES, keyBits == 16 ? 0 : wholeLines(closedValueScales(headSize) + VALUE_SCALES_BYTES + boxes));
}

export function keyBits(): i32 {
  return load<i32>(KEY_BITS);
}

export function valueBits(): i32 {
  return load<i32>(VALUE_BITS);
}

export function boxTokens(): i32 {
  return load<i32>(BOX_TOKENS);
}

export function boxShrink(): f32 {
  return load<f32>(SHRINK);
}

/** Pages begin at lines of the cache. */
function wholeLines(bytes: usize): usize {
  return (bytes + 63) & ~63;
}

/** Bytes of a page of either form, boxes included; 0 for closed ones where there are none. */
export function pageBytes(closed: bool): usize {
  return load<usize>(closed ? CLOSED_BYTES : OPEN_BYTES);
}

/** Address of the page that a slot is in. */
export function pageOf(slot: u32): usize {
  return <usize>((slot & ~CLOSED) >> 4) * pageBytes((slot & CLOSED) != 0);
}

/** Address of the ranges of a complete page, which those that are away have too. */
export function rangesOf(slot: u32, headSize: i32): usize {
  if (slot & AWAY) return <usize>((slot & ~AWAY) >> 4) * rangesBytes(headSize);
  return pageOf(slot) + rangesOffset(headSize);
}

/** Of an open page. */
export function runBytes(headSize: i32): usize {
  return 12 * <usize>headSize + 32;
}

/** Where the values of an open page's run begin; its keys begin at 0. */
export function valuesOffset(headSize: i32): usize {
  return (<usize>headSize) << 3;
}

/** Where the scales of its keys begin; those of its values follow after 16 bytes. */
export function scalesOffset(headSize: i32): usize {
  return 12 * <usize>headSize;
}

// Where the parts of a closed page begin; its keys begin at 0.

export function closedValues(headSize: i32): usize {
  return 2 * <usize>headSize * <usize>keyBits();
}

/** Bytes of the values of a closed page's run. */
export function closedRunValues(headSize: i32): usize {
  return (<usize>headSize * <usize>valueBits()) >> 1;
}

/** Of a complete page, whichever form it has; they begin with the steps. */
export function rangesOffset(headSize: i32): usize {
  return keyBits() == 16 ? 4 * runBytes(headSize) : closedValues(headSize) + 4 * closedRunValues(headSize);
}

function rangesBytes(headSize: i32): usize {
  return 4 * <usize>headSize + 16;
}

/** Whether pages that stay open have ranges. */
export function hasRanges(): bool {
  return load<i32>(RANGES) != 0;
}

// Where the middles and the scale begin in the ranges.

export function middlesOffset(headSize: i32): usize {
  return 2 * <usize>headSize;
}

export function rangeScale(headSize: i32): usize {
  return 4 * <usize>headSize;
}

export function closedValueScales(headSize: i32): usize {
  return rangesOffset(headSize) + rangesBytes(headSize);
}

/** Bytes of the box of one run: box.ts. */
export function boxBytes(headSize: i32): usize {
  return <usize>headSize + 16;
}

/** Where the boxes of a complete page begin. */
export function boxesOffset(headSize: i32): usize {
  return keyBits() == 16 ? 4 * runBytes(headSize) : closedValueScales(headSize) + VALUE_SCALES_BYTES;
}
