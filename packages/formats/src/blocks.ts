import { LongtabError } from "@longtab/errors";
import type { TensorType } from "./model-file.ts";

/** How a tensor type packs its weights: runs of `blockSize` elements of one row, `blockBytes` bytes each. */
export interface BlockLayout {
  readonly blockSize: number;
  readonly blockBytes: number;
}

/**
 * Sizes from the block structures of ggml-common.h. Scales are f16 (2 bytes):
 * Q4_0 d + 16 bytes of nibbles; Q4_1 d, m; Q5_* adds 4 bytes of fifth bits; Q8_0 d + 32 int8;
 * K-quants are super-blocks of 256 with their own packed sub-block scales (dequantise-k.ts).
 */
export const BLOCKS: Readonly<Record<TensorType, BlockLayout>> = {
  F32: { blockSize: 1, blockBytes: 4 },
  F16: { blockSize: 1, blockBytes: 2 },
  BF16: { blockSize: 1, blockBytes: 2 },
  Q4_0: { blockSize: 32, blockBytes: 18 },
  Q4_1: { blockSize: 32, blockBytes: 20 },
  Q5_0: { blockSize: 32, blockBytes: 22 },
  Q5_1: { blockSize: 32, blockBytes: 24 },
  Q8_0: { blockSize: 32, blockBytes: 34 },
  Q2_K: { blockSize: 256, blockBytes: 84 },
  Q3_K: { blockSize: 256, blockBytes: 110 },
  Q4_K: { blockSize: 256, blockBytes: 144 },
  Q5_K: { blockSize: 256, blockBytes: 176 },
  Q6_K: { blockSize: 256, blockBytes: 210 },
};

/** Writes the elements of the one block at byte `at` of `blocks` to `out` from element `to`. */
export type BlockDecoder = (blocks: DataView, at: number, out: Float32Array, to: number) => void;

/** Every type that can be read, in the order of the table above. */
export const TENSOR_TYPES = Object.keys(BLOCKS) as readonly TensorType[];

/**
 * Bytes of one row of `columns` elements.
 * @throws LongtabError `file-malformed` when the columns are not whole blocks.
 */
export function rowByteLength(type: TensorType, columns: number): number {
  const { blockSize, blockBytes } = BLOCKS[type];
  if (columns % blockSize !== 0) {
    throw new LongtabError({
      code: "file-malformed",
      what: `A row of ${type} must be whole blocks of ${blockSize} elements`,
      value: `${columns} columns`,
    });
  }
  return (columns / blockSize) * blockBytes;
}

/**
 * Bytes of a tensor of `shape` (row-major, slowest first).
 * @throws LongtabError `file-malformed` when the last dimension is not whole blocks.
 */
export function tensorByteLength(type: TensorType, shape: readonly number[]): number {
  return shape.slice(0, -1).reduce((rows, dimension) => rows * dimension, 1) * rowByteLength(type, shape.at(-1) ?? 1);
}
