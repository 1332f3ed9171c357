import { orAborted, throwIfAborted } from "@longtab/errors";
import { dequantise, release, rowByteLength } from "@longtab/formats";
import type { ByteSource, TensorInfo } from "@longtab/formats";
import type { RotarySpec } from "@longtab/attention";
import { rotaryOf } from "@longtab/model";
import type { LayerTensors } from "@longtab/model";
import { blockColumns, paddedRows, rowsPerTile, storedForm, tilesBytes } from "./forms.ts";
import type { Heap } from "./heap.ts";
import type { Kernels } from "./kernels.ts";
import type { CpuLoadPlan } from "./plan.ts";
import type { InputBits } from "./scratch.ts";

/** Rows of one or more matrices that read the same input, as the kernels read them. */
export interface Weight {
  /** Output rows, padded to whole tiles; the stride of a product's rows. */
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly [WeightPart, ...WeightPart[]];
  /** What its inputs must be quantised to; two where its parts differ. */
  readonly inputs: readonly [InputBits, ...InputBits[]];
}

export interface WeightPart {
  readonly tiles: number;
  readonly bits: 4 | 8;
  readonly inputs: InputBits;
  readonly firstRow: number;
  readonly rows: number;
}

export interface LayerWeights {
  /** f32 [D] */
  attentionNorm: number;
  /** [(H + 2G) E, D]: query, key, value. */
  qkv: Weight;
  /** [D, H E] */
  attentionOutput: Weight;
  /** f32 [D] */
  ffnNorm: number;
  /** [2F, D]: gate, up. */
  gateUp: Weight;
  /** [D, F] */
  down: Weight;
}

export interface CpuWeights {
  rotary: RotarySpec;
  /** [V, D] */
  embedding: Weight;
  layers: readonly LayerWeights[];
  /** f32 [D] */
  outputNorm: number;
  /** [V, D]; the embedding itself in a tied model. */
  head: Weight;
}

/** A file is read and re-laid in pieces of at most about this many bytes, as they are or as f32; two of them are held at a time. */
const pieceBytes = 2 * 2 ** 20;

export interface LoadWeightsOptions {
  signal?: AbortSignal | undefined;
  /** Bytes of the file that are re-laid, of those that must be. */
  onProgress?: ((loaded: number, total: number) => void) | undefined;
}

/** A stretch of the file, and where it goes. */
interface Piece {
  offset: number;
  length: number;
  store: (bytes: Uint8Array) => void;
}

/**
 * Streams a file's weights into the kernels' memory, in the file's order; the next piece is read while one is re-laid.
 * @throws LongtabError `aborted`, `out-of-memory`, and what `source.read` throws.
 */
export async function loadWeights(
  heap: Heap,
  kernels: Kernels,
  { config, tensors }: CpuLoadPlan,
  source: ByteSource,
  { signal, onProgress }: LoadWeightsOptions,
): Promise<CpuWeights> {
  const staging = heap.allocate(pieceBytes + rowsPerTile * largestRow(tensors));
  const pieces: Piece[] = [];
  let factors: Uint8Array | undefined;
  const matrix = (stacked: [TensorInfo, ...TensorInfo[]], precise = false): Weight => {
    const { weight, tiles } = allocateWeight(heap, kernels, stacked, precise);
    for (const [index, tensor] of stacked.entries()) pieces.push(...matrixPieces(heap, kernels, tensor, tiles[index] ?? 0, staging));
    return weight;
  };
  const vector = ({ offset, byteLength: length }: TensorInfo): number => {
    const pointer = heap.allocate(length);
    pieces.push({ offset, length, store: (bytes) => heap.u8(pointer, length).set(bytes) });
    return pointer;
  };
  const layer = (t: LayerTensors): LayerWeights => ({
    attentionNorm: vector(t.attentionNorm),
    // What goes wrong in queries and keys goes wrong in exponents: 16-bit inputs here halve the divergence from exact arithmetic.
    qkv: matrix([t.query, t.key, t.value], true),
    attentionOutput: matrix([t.attentionOutput]),
    ffnNorm: vector(t.ffnNorm),
    gateUp: matrix([t.gate, t.up]),
    down: matrix([t.down]),
  });
  const embedding = matrix([tensors.embedding]);
  const layers = tensors.layers.map(layer);
  const outputNorm = vector(tensors.outputNorm);
  const head = tensors.head ? matrix([tensors.head]) : embedding;
  if (tensors.ropeFactors) {
    const { offset, byteLength: length } = tensors.ropeFactors;
    pieces.push({ offset, length, store: (bytes) => (factors = bytes.slice()) });
  }
  await readInOrder(source, pieces, signal, onProgress);
  heap.free(staging);
  return { rotary: rotaryOf(config, factors), embedding, layers, outputNorm, head };
}

async function readInOrder(
  source: ByteSource,
  pieces: Piece[],
  signal: AbortSignal | undefined,
  onProgress: LoadWeightsOptions["onProgress"],
): Promise<void> {
  pieces.sort((a, b) => a.offset - b.offset);
  const total = pieces.reduce((sum, { length }) => sum + length, 0);
  const read = (piece: Piece | undefined): Promise<Uint8Array<ArrayBuffer>> | undefined => {
    const bytes = piece && source.read(piece.offset, piece.length);
    // Where an earlier piece fails nobody waits for this one.
    bytes?.catch(() => {});
    return bytes;
  };
  let loaded = 0;
  let next = read(pieces[0]);
  for (const [index, piece] of pieces.entries()) {
    throwIfAborted(signal);
    const bytes = next && (await orAborted(next, signal));
    if (!bytes) break;
    next = read(pieces[index + 1]);
    piece.store(bytes);
    release(bytes);
    loaded += piece.length;
    onProgress?.(loaded, total);
  }
}

/** One region for the tiles of matrices that read the same input, of 16 bits where `precise`; neighbours of the same bits are one part. */
function allocateWeight(
  heap: Heap,
  kernels: Kernels,
  stacked: readonly [TensorInfo, ...TensorInfo[]],
  precise: boolean,
): { weight: Weight; tiles: number[] } {
  const base = heap.allocate(stacked.reduce((sum, tensor) => sum + tilesBytes(tensor), 0));
  const tiles: number[] = [];
  const parts: WeightPart[] = [];
  let [pointer, rows] = [base, 0];
  for (const tensor of stacked) {
    const { bits } = storedForm(tensor.type);
    const added = paddedRows(tensor.shape[0] ?? 0);
    const last = parts.at(-1);
    if (last?.bits === bits) parts.splice(-1, 1, { ...last, rows: last.rows + added });
    else parts.push({ tiles: pointer, bits, inputs: precise ? 16 : (kernels.inputBits(bits) as InputBits), firstRow: rows, rows: added });
    tiles.push(pointer);
    pointer += tilesBytes(tensor);
    rows += added;
  }
  const inputs = [...new Set(parts.map((part) => part.inputs))];
  // Neither is empty: there is at least one matrix.
  return { weight: { rows, columns: stacked[0].shape[1] ?? 0, parts: parts as [WeightPart], inputs: inputs as [InputBits] }, tiles };
}

function matrixPieces(heap: Heap, kernels: Kernels, tensor: TensorInfo, tiles: number, staging: number): Piece[] {
  const { type, shape, offset } = tensor;
  const [rows = 0, columns = 0] = shape;
  const { relay, direct } = storedForm(type);
  const rowBytes = rowByteLength(type, columns);
  const widest = direct ? rowBytes : columns * 4;
  const step = Math.max(1, Math.floor(pieceBytes / widest / rowsPerTile)) * rowsPerTile;
  const rowTiles = tilesBytes(tensor) / Math.ceil(rows / rowsPerTile);
  return Array.from({ length: Math.ceil(rows / step) }, (_, index) => {
    const first = index * step;
    const count = Math.min(step, rows - first);
    return {
      offset: offset + first * rowBytes,
      length: count * rowBytes,
      store: (bytes) => {
        if (direct) heap.u8(staging, bytes.length).set(bytes);
        else dequantise(type, bytes, heap.f32(staging, count * columns));
        kernels.relay(relay, staging, count, columns / blockColumns, tiles + (first / rowsPerTile) * rowTiles);
      },
    };
  });
}

/** Bytes of the widest row as f32: what a piece of a few rows may exceed its size by. */
function largestRow({ embedding, layers }: CpuLoadPlan["tensors"]): number {
  return Math.max(embedding.shape[1] ?? 0, ...layers.map(({ down }) => down.shape[1] ?? 0)) * 4;
}
