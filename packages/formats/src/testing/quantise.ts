import { BLOCKS } from "../blocks.ts";
import { f16ToF32, f32ToBf16, f32ToF16 } from "../f16.ts";
import type { TensorType } from "../model-file.ts";
import { encodeQ2K, encodeQ3K, encodeQ4K, encodeQ5K, encodeQ6K } from "./quantise-k.ts";
import type { BlockEncoder } from "./rounding.ts";
import { clamp, extreme, highest, lowest, orByte, reciprocal, toBytes } from "./rounding.ts";

/**
 * A plain quantiser of each block type: scales from the extremes, every element to its nearest level. It does not search for better scales
 * as llama.cpp does; it is there so that tests can have weights of any type.
 *
 * @param values whole blocks of elements.
 * @returns the blocks' bytes, as a file holds them.
 */
export function quantise(type: TensorType, values: Float32Array): Uint8Array<ArrayBuffer> {
  const { blockSize, blockBytes } = BLOCKS[type];
  const count = values.length / blockSize;
  if (!Number.isInteger(count)) throw new RangeError(`${values.length} elements are not whole blocks of ${type} (${blockSize})`);
  const blocks = new DataView(new ArrayBuffer(count * blockBytes));
  const encode = ENCODERS[type];
  for (let block = 0; block < count; block += 1) {
    encode(values.subarray(block * blockSize, (block + 1) * blockSize), blocks, block * blockBytes);
  }
  return new Uint8Array(blocks.buffer);
}

/** d * (q - levels): the element of the largest magnitude is the lowest level, as in ggml. */
function encodeSymmetric(levels: number, quantsAt: number, fifthsAt?: number): BlockEncoder {
  return (values, blocks, at) => {
    const scale = f32ToF16(extreme(values) / -levels);
    const inverse = reciprocal(f16ToF32(scale));
    blocks.setUint16(at, scale, true);
    pack(
      toBytes(values, (value) => clamp(Math.round(value * inverse) + levels, 0, 2 * levels - 1)),
      blocks,
      at + quantsAt,
      fifthsAt === undefined ? undefined : at + fifthsAt,
    );
  };
}

/** d * q + m with q in 0..levels. */
function encodeAffine(levels: number, quantsAt: number, fifthsAt?: number): BlockEncoder {
  return (values, blocks, at) => {
    const low = lowest(values);
    const scale = f32ToF16((highest(values) - low) / levels);
    const minimum = f32ToF16(low);
    const inverse = reciprocal(f16ToF32(scale));
    const base = f16ToF32(minimum);
    blocks.setUint16(at, scale, true);
    blocks.setUint16(at + 2, minimum, true);
    pack(
      toBytes(values, (value) => clamp(Math.round((value - base) * inverse), 0, levels)),
      blocks,
      at + quantsAt,
      fifthsAt === undefined ? undefined : at + fifthsAt,
    );
  };
}

/** 32 quants as nibbles (element j low, j + 16 high) and, where there is a place for them, fifth bits (bit j is element j's). */
function pack(quants: Uint8Array, blocks: DataView, quantsAt: number, fifthsAt: number | undefined): void {
  quants.forEach((q, j) => {
    orByte(blocks, quantsAt + (j & 15), (q & 15) << (j < 16 ? 0 : 4));
    if (fifthsAt !== undefined) orByte(blocks, fifthsAt + (j >> 3), (q >> 4) << (j & 7));
  });
}

const encodeQ80: BlockEncoder = (values, blocks, at) => {
  const scale = f32ToF16(Math.abs(extreme(values)) / 127);
  const inverse = reciprocal(f16ToF32(scale));
  blocks.setUint16(at, scale, true);
  values.forEach((value, j) => blocks.setInt8(at + 2 + j, clamp(Math.round(value * inverse), -127, 127)));
};

/** A block of one element. */
function encodeEach(set: (blocks: DataView, at: number, value: number) => void): BlockEncoder {
  return (values, blocks, at) => {
    for (const value of values) set(blocks, at, value);
  };
}

const ENCODERS: Readonly<Record<TensorType, BlockEncoder>> = {
  F32: encodeEach((blocks, at, value) => blocks.setFloat32(at, value, true)),
  F16: encodeEach((blocks, at, value) => blocks.setUint16(at, f32ToF16(value), true)),
  BF16: encodeEach((blocks, at, value) => blocks.setUint16(at, f32ToBf16(value), true)),
  Q4_0: encodeSymmetric(8, 2),
  Q4_1: encodeAffine(15, 4),
  Q5_0: encodeSymmetric(16, 6, 2),
  Q5_1: encodeAffine(31, 8, 4),
  Q8_0: encodeQ80,
  Q2_K: encodeQ2K,
  Q3_K: encodeQ3K,
  Q4_K: encodeQ4K,
  Q5_K: encodeQ5K,
  Q6_K: encodeQ6K,
};
