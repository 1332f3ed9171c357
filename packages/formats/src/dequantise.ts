import { LongtabError } from "@longtab/errors";
import { BLOCKS } from "./blocks.ts";
import type { BlockDecoder } from "./blocks.ts";
import { decodeQ2K, decodeQ3K, decodeQ4K, decodeQ5K, decodeQ6K } from "./dequantise-k.ts";
import { bf16ToF32, f16ToF32 } from "./f16.ts";
import type { TensorType } from "./model-file.ts";

/** Bytes of the nibbles in a block of 32; nibble j of the low half is element j, of the high half element j + 16. */
const HALF = 16;

/**
 * The plain reference of every block type: what each stored weight *is*, as f32.
 *
 * Every product of a scale (11 significant bits) and its integers (13 bits at most together) is exact in f32, so the value of the format's f32
 * arithmetic is the exact sum rounded once: the computation in f64 with one store to f32 below equals it bit for bit.
 * Source: the dequantize_row_* functions' definitions in ggml's ggml-quants.c.
 *
 * @param bytes whole blocks, as in the file.
 * @param out as many elements as the blocks hold.
 * @throws LongtabError `internal` when the lengths do not fit each other.
 */
export function dequantise(type: TensorType, bytes: Uint8Array, out: Float32Array): void {
  const { blockSize, blockBytes } = BLOCKS[type];
  const count = bytes.byteLength / blockBytes;
  if (!Number.isInteger(count) || out.length !== count * blockSize) {
    throw new LongtabError({
      code: "internal",
      what: `${bytes.byteLength} bytes of ${type} do not hold the ${out.length} elements asked for`,
    });
  }
  const blocks = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decode = DECODERS[type];
  for (let block = 0; block < count; block += 1) decode(blocks, block * blockBytes, out, block * blockSize);
}

/** d, 16 bytes of nibbles: d * (q - 8). */
const decodeQ40: BlockDecoder = (blocks, at, out, to) => {
  const scale = readF16(blocks, at);
  for (let j = 0; j < HALF; j += 1) {
    const pair = blocks.getUint8(at + 2 + j);
    out[to + j] = scale * ((pair & 15) - 8);
    out[to + j + HALF] = scale * ((pair >> 4) - 8);
  }
};

/** d, m, 16 bytes of nibbles: d * q + m. */
const decodeQ41: BlockDecoder = (blocks, at, out, to) => {
  const scale = readF16(blocks, at);
  const minimum = readF16(blocks, at + 2);
  for (let j = 0; j < HALF; j += 1) {
    const pair = blocks.getUint8(at + 4 + j);
    out[to + j] = scale * (pair & 15) + minimum;
    out[to + j + HALF] = scale * (pair >> 4) + minimum;
  }
};

/** d, 32 fifth bits, 16 bytes of nibbles: d * (q - 16). */
const decodeQ50: BlockDecoder = (blocks, at, out, to) => {
  const scale = readF16(blocks, at);
  const fifths = blocks.getUint32(at + 2, true);
  for (let j = 0; j < HALF; j += 1) {
    const pair = blocks.getUint8(at + 6 + j);
    out[to + j] = scale * (((pair & 15) | (((fifths >>> j) & 1) << 4)) - 16);
    out[to + j + HALF] = scale * (((pair >> 4) | (((fifths >>> (j + HALF)) & 1) << 4)) - 16);
  }
};

/** d, m, 32 fifth bits, 16 bytes of nibbles: d * q + m. */
const decodeQ51: BlockDecoder = (blocks, at, out, to) => {
  const scale = readF16(blocks, at);
  const minimum = readF16(blocks, at + 2);
  const fifths = blocks.getUint32(at + 4, true);
  for (let j = 0; j < HALF; j += 1) {
    const pair = blocks.getUint8(at + 8 + j);
    out[to + j] = scale * ((pair & 15) | (((fifths >>> j) & 1) << 4)) + minimum;
    out[to + j + HALF] = scale * ((pair >> 4) | (((fifths >>> (j + HALF)) & 1) << 4)) + minimum;
  }
};

/** d, 32 int8: d * q. */
const decodeQ80: BlockDecoder = (blocks, at, out, to) => {
  const scale = readF16(blocks, at);
  for (let j = 0; j < 32; j += 1) out[to + j] = scale * blocks.getInt8(at + 2 + j);
};

const DECODERS: Readonly<Record<TensorType, BlockDecoder>> = {
  F32: (blocks, at, out, to) => {
    out[to] = blocks.getFloat32(at, true);
  },
  F16: (blocks, at, out, to) => {
    out[to] = readF16(blocks, at);
  },
  BF16: (blocks, at, out, to) => {
    out[to] = bf16ToF32(blocks.getUint16(at, true));
  },
  Q4_0: decodeQ40,
  Q4_1: decodeQ41,
  Q5_0: decodeQ50,
  Q5_1: decodeQ51,
  Q8_0: decodeQ80,
  Q2_K: decodeQ2K,
  Q3_K: decodeQ3K,
  Q4_K: decodeQ4K,
  Q5_K: decodeQ5K,
  Q6_K: decodeQ6K,
};

function readF16(blocks: DataView, at: number): number {
  return f16ToF32(blocks.getUint16(at, true));
}
