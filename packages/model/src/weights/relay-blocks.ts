import { BLOCKS, f16ToF32, f32ToF16 } from "@longtab/formats";
import type { Piece, RowsToRelay } from "./relay.ts";

export type BlockType = "Q4_0" | "Q4_1" | "Q5_0" | "Q5_1" | "Q8_0";

/** Blocks of 32 weights with an f16 scale: quants to words, and one word of scale and minimum. Layouts as in formats/dequantise.ts. */
export function relayBlocks({ columns, rows, bytes }: RowsToRelay, type: BlockType, { quants, scales }: Piece, firstRow: number): void {
  const blocks = columns / 32;
  const { blockBytes } = BLOCKS[type];
  const { words, quantsOf, scaleOf } = relays[type];
  let at = 0;
  for (let row = firstRow; row < firstRow + rows; row += 1) {
    for (let block = 0; block < blocks; block += 1, at += blockBytes) {
      quantsOf(bytes, at, quants, (row * blocks + block) * words);
      scales[((row >> 2) * blocks + block) * 4 + (row & 3)] = scaleOf(bytes, at);
    }
  }
}

interface BlockRelay {
  /** Words of quants a block. */
  words: number;
  quantsOf: (bytes: Uint8Array, at: number, quants: Uint32Array, to: number) => void;
  /** f16 scale in the low half, f16 minimum in the high half. */
  scaleOf: (bytes: Uint8Array, at: number) => number;
}

const relays: Readonly<Record<BlockType, BlockRelay>> = {
  Q4_0: {
    words: 4,
    quantsOf: (bytes, at, quants, to) => relayNibbles(bytes, at + 2, quants, to),
    scaleOf: (bytes, at) => withMinimum(readU16(bytes, at), -8),
  },
  Q4_1: { words: 4, quantsOf: (bytes, at, quants, to) => relayNibbles(bytes, at + 4, quants, to), scaleOf: readPair },
  Q5_0: {
    words: 8,
    // q - 16 fits a signed byte, which spares the minimum.
    quantsOf: (bytes, at, quants, to) => relayFiveBits(bytes, at + 2, quants, to, 16),
    scaleOf: readU16,
  },
  Q5_1: { words: 8, quantsOf: (bytes, at, quants, to) => relayFiveBits(bytes, at + 4, quants, to, 0), scaleOf: readPair },
  Q8_0: { words: 8, quantsOf: (bytes, at, quants, to) => relayBytes(bytes, at + 2, quants, to), scaleOf: readU16 },
};

/**
 * 16 bytes whose low nibbles are columns 0-15 and high nibbles 16-31, to words where nibble i of word c is column 4i + c:
 * the low nibbles of bytes c, c + 4, c + 8 and c + 12 are the lower half of word c, their high nibbles its upper half.
 */
function relayNibbles(bytes: Uint8Array, at: number, quants: Uint32Array, to: number): void {
  for (let c = 0; c < 4; c += 1) {
    const all = bytes[at + c]! | (bytes[at + c + 4]! << 8) | (bytes[at + c + 8]! << 16) | (bytes[at + c + 12]! << 24);
    quants[to + c] = (gatherNibbles(all) | (gatherNibbles(all >>> 4) << 16)) >>> 0;
  }
}

/** The low nibbles of four bytes, side by side in 16 bits. */
function gatherNibbles(word: number): number {
  const pairs = (word & 0x000f000f) | ((word & 0x0f000f00) >>> 4);
  return (pairs & 0xff) | ((pairs >>> 8) & 0xff00);
}

/** 32 signed bytes in column order to words where byte i of word c of half h is column 16h + 4i + c. */
export function relayBytes(bytes: Uint8Array, at: number, quants: Uint32Array, to: number): void {
  for (let half = 0; half < 2; half += 1) {
    for (let c = 0; c < 4; c += 1) {
      const from = at + half * 16 + c;
      quants[to + half * 4 + c] = (bytes[from]! | (bytes[from + 4]! << 8) | (bytes[from + 8]! << 16) | (bytes[from + 12]! << 24)) >>> 0;
    }
  }
}

const unpacked = new Uint8Array(32);

/** Four bytes of fifth bits (bit j is column j), then nibbles as in `relayNibbles`, to signed bytes less `bias`. */
function relayFiveBits(bytes: Uint8Array, at: number, quants: Uint32Array, to: number, bias: number): void {
  const fifths = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  for (let j = 0; j < 16; j += 1) {
    const nibbles = bytes[at + 4 + j]!;
    unpacked[j] = ((nibbles & 15) | (((fifths >>> j) & 1) << 4)) - bias;
    unpacked[j + 16] = ((nibbles >> 4) | (((fifths >>> (j + 16)) & 1) << 4)) - bias;
  }
  relayBytes(unpacked, 0, quants, to);
}

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** Two f16 that lie in the file as they should in the word. */
export function readPair(bytes: Uint8Array, at: number): number {
  return (readU16(bytes, at) | (readU16(bytes, at + 2) << 16)) >>> 0;
}

/** The scale's word with a minimum of `factor` times the scale; a power of two, so the f16 is exact. */
function withMinimum(scale: number, factor: number): number {
  return (scale | (f32ToF16(f16ToF32(scale) * factor) << 16)) >>> 0;
}
