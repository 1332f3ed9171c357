import type { BlockDecoder } from "./blocks.ts";
import { f16ToF32 } from "./f16.ts";

/*
 * K-quants: super-blocks of 256 elements. A sub-block of 16 (Q2_K, Q3_K, Q6_K) or 32 (Q4_K, Q5_K) has a small integer scale, and in Q2_K, Q4_K and
 * Q5_K a small integer minimum; the f16 scale d (and dmin) of the super-block multiplies them.
 * Layouts from ggml-common.h, byte offsets within the block in each comment.
 */

/** scales[16] at 0 (scale | minimum << 4), qs[64] at 16 (two bits each), d at 80, dmin at 82: d * scale * q - dmin * minimum. */
export const decodeQ2K: BlockDecoder = (blocks, at, out, to) => {
  const scale = f16ToF32(blocks.getUint16(at + 80, true));
  const minimumScale = f16ToF32(blocks.getUint16(at + 82, true));
  for (let sub = 0; sub < 16; sub += 1) {
    const packed = blocks.getUint8(at + sub);
    const step = scale * (packed & 15);
    const minimum = minimumScale * (packed >> 4);
    const { bytes, shift } = twoBits(sub);
    for (let j = 0; j < 16; j += 1) out[to + sub * 16 + j] = step * ((blocks.getUint8(at + 16 + bytes + j) >> shift) & 3) - minimum;
  }
};

/** hmask[32] at 0 (third bits), qs[64] at 32, scales[12] at 96 (sixteen of six bits), d at 108: d * (scale - 32) * (q - 4). */
export const decodeQ3K: BlockDecoder = (blocks, at, out, to) => {
  const scale = f16ToF32(blocks.getUint16(at + 108, true));
  for (let sub = 0; sub < 16; sub += 1) {
    // The low four bits of scales 0-7 are the low nibbles of bytes 0-7, those of 8-15 the high nibbles; bytes 8-11 hold the upper two bits, four scales a byte.
    const low = (blocks.getUint8(at + 96 + (sub & 7)) >> (sub < 8 ? 0 : 4)) & 15;
    const high = (blocks.getUint8(at + 104 + (sub & 3)) >> (2 * (sub >> 2))) & 3;
    const step = scale * ((low | (high << 4)) - 32);
    const { bytes, shift } = twoBits(sub);
    for (let j = 0; j < 16; j += 1) {
      const q = (blocks.getUint8(at + 32 + bytes + j) >> shift) & 3;
      const third = (blocks.getUint8(at + (sub & 1) * 16 + j) >> (sub >> 1)) & 1;
      out[to + sub * 16 + j] = step * (q + 4 * third - 4);
    }
  }
};

/** d at 0, dmin at 2, scales[12] at 4, qs[128] at 16: d * scale * q - dmin * minimum. */
export const decodeQ4K: BlockDecoder = (blocks, at, out, to) => {
  const scale = f16ToF32(blocks.getUint16(at, true));
  const minimumScale = f16ToF32(blocks.getUint16(at + 2, true));
  for (let sub = 0; sub < 8; sub += 1) {
    const [small, smallMinimum] = sixBits(blocks, at + 4, sub);
    const step = scale * small;
    const minimum = minimumScale * smallMinimum;
    const shift = 4 * (sub & 1);
    for (let j = 0; j < 32; j += 1)
      out[to + sub * 32 + j] = step * ((blocks.getUint8(at + 16 + (sub >> 1) * 32 + j) >> shift) & 15) - minimum;
  }
};

/** d at 0, dmin at 2, scales[12] at 4, qh[32] at 16 (fifth bits, bit = sub-block), qs[128] at 48: d * scale * q - dmin * minimum. */
export const decodeQ5K: BlockDecoder = (blocks, at, out, to) => {
  const scale = f16ToF32(blocks.getUint16(at, true));
  const minimumScale = f16ToF32(blocks.getUint16(at + 2, true));
  for (let sub = 0; sub < 8; sub += 1) {
    const [small, smallMinimum] = sixBits(blocks, at + 4, sub);
    const step = scale * small;
    const minimum = minimumScale * smallMinimum;
    const shift = 4 * (sub & 1);
    for (let j = 0; j < 32; j += 1) {
      const low = (blocks.getUint8(at + 48 + (sub >> 1) * 32 + j) >> shift) & 15;
      const fifth = (blocks.getUint8(at + 16 + j) >> sub) & 1;
      out[to + sub * 32 + j] = step * (low | (fifth << 4)) - minimum;
    }
  }
};

/** ql[128] at 0 (low four bits), qh[64] at 128 (upper two), scales[16] at 192 (int8), d at 208: d * scale * (q - 32). */
export const decodeQ6K: BlockDecoder = (blocks, at, out, to) => {
  const scale = f16ToF32(blocks.getUint16(at + 208, true));
  for (let sub = 0; sub < 16; sub += 1) {
    const step = scale * blocks.getInt8(at + 192 + sub);
    // Each half of 128 elements is four runs of 32: low nibbles of two runs of bytes, then their high nibbles.
    const half = sub >> 3;
    const run = (sub >> 1) & 3;
    const lows = at + half * 64 + (run & 1) * 32 + (sub & 1) * 16;
    const highs = at + 128 + half * 32 + (sub & 1) * 16;
    for (let j = 0; j < 16; j += 1) {
      const low = (blocks.getUint8(lows + j) >> (4 * (run >> 1))) & 15;
      const high = (blocks.getUint8(highs + j) >> (2 * run)) & 3;
      out[to + sub * 16 + j] = step * ((low | (high << 4)) - 32);
    }
  }
};

/** Where Q2_K and Q3_K keep the two bits of a sub-block of 16: each half of 128 elements has 32 bytes, which hold four runs of 32 at shifts 0, 2, 4, 6. */
function twoBits(sub: number): { bytes: number; shift: number } {
  return { bytes: (sub >> 3) * 32 + (sub & 1) * 16, shift: 2 * ((sub >> 1) & 3) };
}

/**
 * Scale and minimum of sub-block 0-7 of Q4_K and Q5_K, six bits each in 12 bytes: bytes 0-3 hold scales 0-3 and bytes 4-7 minimums 0-3 in their lower
 * six bits; bytes 8-11 the lower four bits of scales (low nibble) and minimums (high nibble) 4-7, whose upper two bits are the top bits of bytes 0-7.
 */
function sixBits(blocks: DataView, at: number, sub: number): readonly [scale: number, minimum: number] {
  const scales = blocks.getUint8(at + (sub & 3));
  const minimums = blocks.getUint8(at + 4 + (sub & 3));
  if (sub < 4) return [scales & 63, minimums & 63];
  const lows = blocks.getUint8(at + 4 + sub);
  return [(lows & 15) | ((scales >> 6) << 4), (lows >> 4) | ((minimums >> 6) << 4)];
}
