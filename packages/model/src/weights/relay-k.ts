import { BLOCKS } from "@longtab/formats";
import type { WeightFormat } from "./format.ts";
import { FORMATS, FORMAT_OF } from "./format.ts";
import type { Piece, RowsToRelay } from "./relay.ts";
import { readPair, readU16, relayBytes } from "./relay-blocks.ts";

export type SuperBlockType = "Q2_K" | "Q3_K" | "Q4_K" | "Q5_K" | "Q6_K";

/** One super-block taken apart: 256 signed quants and the groups' signed (scale, minimum) pairs. */
interface SuperBlock {
  readonly quants: Uint8Array;
  /** Pairs of 8 groups of 32 columns or of 16 groups of 16. */
  readonly groups: Int8Array;
}

/** Takes a super-block apart and returns the word of f16 d and dmin. Layouts as in formats/dequantise-k.ts. */
type Unpack = (bytes: Uint8Array, at: number, block: SuperBlock) => number;

/** Super-blocks of 256 weights: weight = d * scale * q - dmin * minimum, with small integers a group. */
export function relaySuperBlocks(
  { columns, rows, bytes }: RowsToRelay,
  type: SuperBlockType,
  { quants, scales }: Piece,
  firstRow: number,
): void {
  const superBlocks = columns / 256;
  const { blockBytes } = BLOCKS[type];
  const format: WeightFormat = FORMAT_OF[type];
  const { quants: layout, scaleWords, quantWords } = FORMATS[format];
  const unpack = unpacks[type];
  const block: SuperBlock = { quants: new Uint8Array(256), groups: new Int8Array(32) };
  const groupWords = new Uint32Array(block.groups.buffer);
  let at = 0;
  for (let row = firstRow; row < firstRow + rows; row += 1) {
    for (let s = 0; s < superBlocks; s += 1, at += blockBytes) {
      const superScale = unpack(bytes, at, block);
      const word = ((row >> 2) * superBlocks + s) * scaleWords;
      scales[word * 4 + (row & 3)] = superScale;
      for (let i = 1; i < scaleWords; i += 1) scales[(word + i) * 4 + (row & 3)] = groupWords[i - 1]!;
      const to = (row * superBlocks + s) * 8 * quantWords;
      for (let b = 0; b < 8; b += 1) {
        if (layout === "nibbles") packNibbles(block.quants, b * 32, quants, to + b * 4);
        else relayBytes(block.quants, b * 32, quants, to + b * 8);
      }
    }
  }
}

/** 32 quants of four bits in column order to words where nibble i of word c is column 4i + c. */
function packNibbles(from: Uint8Array, at: number, quants: Uint32Array, to: number): void {
  for (let c = 0; c < 4; c += 1) {
    let word = 0;
    for (let i = 0; i < 8; i += 1) word |= from[at + 4 * i + c]! << (4 * i);
    quants[to + c] = word >>> 0;
  }
}

const unpacks: Readonly<Record<SuperBlockType, Unpack>> = {
  Q2_K: (bytes, at, { quants, groups }) => {
    for (let g = 0; g < 16; g += 1) {
      groups[2 * g] = bytes[at + g]! & 15;
      groups[2 * g + 1] = bytes[at + g]! >> 4;
    }
    unpackTwoBits(bytes, at + 16, quants);
    return readPair(bytes, at + 80);
  },

  // d * (s - 32) * (q - 4), with q of three bits, is d * scale * q - d * (4 * scale): four times the scale still fits a signed byte.
  Q3_K: (bytes, at, { quants, groups }) => {
    for (let g = 0; g < 16; g += 1) {
      const low = (bytes[at + 96 + (g & 7)]! >> (g < 8 ? 0 : 4)) & 15;
      const high = (bytes[at + 104 + (g & 3)]! >> (2 * (g >> 2))) & 3;
      const scale = (low | (high << 4)) - 32;
      groups[2 * g] = scale;
      groups[2 * g + 1] = 4 * scale;
    }
    unpackTwoBits(bytes, at + 32, quants);
    for (let j = 0; j < 256; j += 1) quants[j]! |= ((bytes[at + (j & 31)]! >> (j >> 5)) & 1) << 2;
    const scale = readU16(bytes, at + 108);
    return (scale | (scale << 16)) >>> 0;
  },

  Q4_K: (bytes, at, { quants, groups }) => {
    unpackSixBits(bytes, at + 4, groups);
    unpackRuns(bytes, at + 16, quants);
    return readPair(bytes, at);
  },

  Q5_K: (bytes, at, { quants, groups }) => {
    unpackSixBits(bytes, at + 4, groups);
    unpackRuns(bytes, at + 48, quants);
    for (let j = 0; j < 256; j += 1) quants[j]! |= ((bytes[at + 16 + (j & 31)]! >> (j >> 5)) & 1) << 4;
    return readPair(bytes, at);
  },

  // d * scale * (q - 32): the quants are stored signed, so there is no minimum.
  Q6_K: (bytes, at, { quants, groups }) => {
    for (let g = 0; g < 16; g += 1) {
      groups[2 * g] = bytes[at + 192 + g]!;
      groups[2 * g + 1] = 0;
    }
    for (let j = 0; j < 256; j += 1) {
      const half = j >> 7;
      const run = (j >> 5) & 3;
      const low = (bytes[at + half * 64 + (run & 1) * 32 + (j & 31)]! >> (4 * (run >> 1))) & 15;
      const high = (bytes[at + 128 + half * 32 + (j & 31)]! >> (2 * run)) & 3;
      quants[j] = (low | (high << 4)) - 32;
    }
    return readU16(bytes, at + 208);
  },
};

/** Each half of 128 columns has 32 bytes, which hold four runs of 32 at shifts 0, 2, 4 and 6. */
function unpackTwoBits(bytes: Uint8Array, at: number, quants: Uint8Array): void {
  for (let j = 0; j < 256; j += 1) quants[j] = (bytes[at + (j >> 7) * 32 + (j & 31)]! >> (2 * ((j >> 5) & 3))) & 3;
}

/** Each 64 columns have 32 bytes: a run of 32 in the low nibbles, the next in the high ones. */
function unpackRuns(bytes: Uint8Array, at: number, quants: Uint8Array): void {
  for (let j = 0; j < 256; j += 1) quants[j] = (bytes[at + (j >> 6) * 32 + (j & 31)]! >> (4 * ((j >> 5) & 1))) & 15;
}

/** Six-bit scales and minimums of eight groups in 12 bytes: those of groups 4-7 keep their upper two bits atop those of groups 0-3. */
function unpackSixBits(bytes: Uint8Array, at: number, groups: Int8Array): void {
  for (let g = 0; g < 4; g += 1) {
    const scale = bytes[at + g]!;
    const minimum = bytes[at + 4 + g]!;
    const lows = bytes[at + 8 + g]!;
    groups[2 * g] = scale & 63;
    groups[2 * g + 1] = minimum & 63;
    groups[2 * g + 8] = (lows & 15) | ((scale >> 6) << 4);
    groups[2 * g + 9] = (lows >> 4) | ((minimum >> 6) << 4);
  }
}
