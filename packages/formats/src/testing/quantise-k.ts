import { f16ToF32, f32ToF16 } from "../f16.ts";
import type { BlockEncoder } from "./rounding.ts";
import { clamp, extreme, highest, lowest, orByte, reciprocal, toBytes } from "./rounding.ts";

/*
 * K-quants by plain rounding; dequantise-k.ts describes the layouts. Scales of sub-blocks are found first, then rounded to their few bits under the
 * super-block's f16 scale, then the elements are rounded under the scale that will be read back.
 */

interface Affine {
  /** f16 bits of d and dmin. */
  scale: number;
  minimumScale: number;
  /** Small integers, one a sub-block. */
  scales: Uint8Array;
  minimums: Uint8Array;
  quants: Uint8Array;
}

/** d * scale * q - dmin * minimum: q in 0..levels, scale and minimum in 0..small. */
function roundAffine(values: Float32Array, size: number, levels: number, small: number): Affine {
  const subs = subBlocks(values, size);
  const depths = subs.map((sub) => Math.max(0, -lowest(sub)));
  const steps = subs.map((sub) => Math.max(0, highest(sub) + Math.max(0, -lowest(sub))) / levels);
  const scale = f32ToF16(Math.max(...steps) / small);
  const minimumScale = f32ToF16(Math.max(...depths) / small);
  const scales = Uint8Array.from(steps, (step) => clamp(Math.round(step * reciprocal(f16ToF32(scale))), 0, small));
  const minimums = Uint8Array.from(depths, (depth) => clamp(Math.round(depth * reciprocal(f16ToF32(minimumScale))), 0, small));
  const quants = new Uint8Array(values.length);
  subs.forEach((sub, s) => {
    const inverse = reciprocal(f16ToF32(scale) * (scales[s] ?? 0));
    const minimum = f16ToF32(minimumScale) * (minimums[s] ?? 0);
    quants.set(
      toBytes(sub, (value) => clamp(Math.round((value + minimum) * inverse), 0, levels)),
      s * size,
    );
  });
  return { scale, minimumScale, scales, minimums, quants };
}

/** d * scale * (q - levels): q in 0..2 levels - 1, scale in -small..small - 1. */
function roundSymmetric(values: Float32Array, levels: number, small: number): { scale: number; scales: Int8Array; quants: Uint8Array } {
  const subs = subBlocks(values, 16);
  const steps = subs.map((sub) => extreme(sub) / -levels);
  const scale = f32ToF16(extreme(steps) / -small);
  const scales = Int8Array.from(steps, (step) => clamp(Math.round(step * reciprocal(f16ToF32(scale))), -small, small - 1));
  const quants = new Uint8Array(values.length);
  subs.forEach((sub, s) => {
    const inverse = reciprocal(f16ToF32(scale) * (scales[s] ?? 0));
    quants.set(
      toBytes(sub, (value) => clamp(Math.round(value * inverse) + levels, 0, 2 * levels - 1)),
      s * 16,
    );
  });
  return { scale, scales, quants };
}

function subBlocks(values: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: values.length / size }, (_, sub) => values.subarray(sub * size, (sub + 1) * size));
}

/** Two bits of each of 256 elements into 64 bytes: a half of 128 has 32 bytes, which hold four runs of 32 at shifts 0, 2, 4, 6. */
function packTwoBits(quants: Uint8Array, blocks: DataView, at: number): void {
  quants.forEach((q, j) => orByte(blocks, at + (j >> 7) * 32 + (j & 31), (q & 3) << (2 * ((j >> 5) & 3))));
}

/** Four bits of each of 256 elements into 128 bytes: each 32 bytes hold a run of 32 in the low nibbles and the next in the high ones. */
function packNibbles(quants: Uint8Array, blocks: DataView, at: number): void {
  quants.forEach((q, j) => orByte(blocks, at + (j >> 6) * 32 + (j & 31), (q & 15) << (4 * ((j >> 5) & 1))));
}

/** Eight scales and minimums of six bits into 12 bytes (Q4_K, Q5_K). */
function packSixBits(scales: Uint8Array, minimums: Uint8Array, blocks: DataView, at: number): void {
  for (const [start, smalls, nibble] of [[0, scales, 0] as const, [4, minimums, 4] as const]) {
    for (const [sub, small] of smalls.entries()) {
      if (sub < 4) {
        orByte(blocks, at + start + sub, small);
      } else {
        orByte(blocks, at + 4 + sub, (small & 15) << nibble);
        orByte(blocks, at + start + sub - 4, (small >> 4) << 6);
      }
    }
  }
}

export const encodeQ2K: BlockEncoder = (values, blocks, at) => {
  const { scale, minimumScale, scales, minimums, quants } = roundAffine(values, 16, 3, 15);
  scales.forEach((small, sub) => orByte(blocks, at + sub, small));
  minimums.forEach((small, sub) => orByte(blocks, at + sub, small << 4));
  packTwoBits(quants, blocks, at + 16);
  blocks.setUint16(at + 80, scale, true);
  blocks.setUint16(at + 82, minimumScale, true);
};

export const encodeQ3K: BlockEncoder = (values, blocks, at) => {
  const { scale, scales, quants } = roundSymmetric(values, 4, 32);
  quants.forEach((q, j) => orByte(blocks, at + (j & 31), (q >> 2) << (j >> 5)));
  packTwoBits(quants, blocks, at + 32);
  for (const [sub, small] of scales.entries()) {
    const packed = small + 32;
    orByte(blocks, at + 96 + (sub & 7), (packed & 15) << (sub < 8 ? 0 : 4));
    orByte(blocks, at + 104 + (sub & 3), (packed >> 4) << (2 * (sub >> 2)));
  }
  blocks.setUint16(at + 108, scale, true);
};

export const encodeQ4K: BlockEncoder = (values, blocks, at) => {
  const { scale, minimumScale, scales, minimums, quants } = roundAffine(values, 32, 15, 63);
  blocks.setUint16(at, scale, true);
  blocks.setUint16(at + 2, minimumScale, true);
  packSixBits(scales, minimums, blocks, at + 4);
  packNibbles(quants, blocks, at + 16);
};

export const encodeQ5K: BlockEncoder = (values, blocks, at) => {
  const { scale, minimumScale, scales, minimums, quants } = roundAffine(values, 32, 31, 63);
  blocks.setUint16(at, scale, true);
  blocks.setUint16(at + 2, minimumScale, true);
  packSixBits(scales, minimums, blocks, at + 4);
  quants.forEach((q, j) => orByte(blocks, at + 16 + (j & 31), (q >> 4) << (j >> 5)));
  packNibbles(quants, blocks, at + 48);
};

export const encodeQ6K: BlockEncoder = (values, blocks, at) => {
  const { scale, scales, quants } = roundSymmetric(values, 32, 128);
  quants.forEach((q, j) => {
    // A half of 128 has 64 bytes of low nibbles (runs 0 and 1 low, 2 and 3 high) and 32 bytes of upper bits (run r at shift 2r).
    const half = j >> 7;
    const run = (j >> 5) & 3;
    orByte(blocks, at + half * 64 + (run & 1) * 32 + (j & 31), (q & 15) << (4 * (run >> 1)));
    orByte(blocks, at + 128 + half * 32 + (j & 31), (q >> 4) << (2 * run));
  });
  scales.forEach((small, sub) => blocks.setInt8(at + 192 + sub, small));
  blocks.setUint16(at + 208, scale, true);
};
