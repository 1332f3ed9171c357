import { dequantise, release, rowByteLength } from "@longtab/formats";
import type { ByteSource, TensorInfo } from "@longtab/formats";

/** A matrix [rows, columns] that is never in memory as a whole. */
export interface ProductMatrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** All rows in order, as f32 pieces [n, columns] that the reader may change; each is over when the next is asked for. */
  pieces(): AsyncIterable<Float32Array>;
}

/** Bytes of a piece as f32. */
const pieceBytes = 2 ** 20;

/** Tensors of the same width below each other, such as query, key and value, read from the file piece by piece. */
export function stackedMatrix(name: string, source: ByteSource, tensors: readonly TensorInfo[]): ProductMatrix {
  return {
    name,
    rows: tensors.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0),
    columns: tensors[0]?.shape[1] ?? 0,
    async *pieces() {
      for (const tensor of tensors) yield* tensorPieces(source, tensor);
    },
  };
}

async function* tensorPieces(source: ByteSource, { type, shape, offset }: TensorInfo): AsyncGenerator<Float32Array> {
  const [rows = 0, columns = 0] = shape;
  const rowBytes = rowByteLength(type, columns);
  const step = Math.max(1, Math.floor(pieceBytes / (columns * 4)));
  const values = new Float32Array(Math.min(step, rows) * columns);
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const bytes = await source.read(offset + first * rowBytes, count * rowBytes);
    const piece = values.subarray(0, count * columns);
    dequantise(type, bytes, piece);
    release(bytes);
    yield piece;
  }
}
