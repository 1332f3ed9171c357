import type { ByteSource, TensorInfo } from "@longtab/formats";
import { LongtabError } from "@longtab/errors";
import { release, rowByteLength } from "@longtab/formats";
import type { Gpu } from "@longtab/gpu";
import type { WeightFormat } from "./format.ts";
import type { ShardPlan } from "./plan.ts";
import { planWeight, quantRowBytes, rowsOf, scaleRowBytes, shardUniformBytes } from "./plan.ts";
import { relayRows } from "./relay.ts";

/** Neighbouring rows of a weight in GPU memory. */
export interface WeightShard {
  readonly format: WeightFormat;
  readonly firstRow: number;
  readonly rows: number;
  readonly quants: GPUBuffer;
  /** The quants themselves for formats without scales: a binding must not be empty. */
  readonly scales: GPUBuffer;
  /** `Shard` of shaders/lib/weight_common.wgsl: for writing a product at offset 0, for adding it at 256. */
  readonly uniform: GPUBuffer;
}

/** A matrix [rows, columns] on the GPU, quantised as in the file: `matmul` and `embed` read it. */
export interface Weight {
  readonly rows: number;
  readonly columns: number;
  /** Elements of a row of a product: the rows, rounded up to a multiple of four. */
  readonly stride: number;
  readonly shards: readonly WeightShard[];
  /** GPU memory that it takes. */
  readonly bytes: number;
}

/** A file is read, re-laid and written in pieces of this many bytes, which bounds what JavaScript holds to three of them. */
const pieceBytes = 4 * 2 ** 20;

/**
 * Copies tensors, stacked by rows, into GPU buffers of their format; reads the file in order, a piece at a time.
 *
 * @param onBytes told the file bytes of each piece once it is on its way to the GPU.
 * @throws LongtabError as `planWeight` does, `out-of-memory` when the GPU has no room, and what `source.read` throws; nothing stays allocated then.
 */
export async function uploadWeight(
  gpu: Gpu,
  source: ByteSource,
  parts: readonly TensorInfo[],
  onBytes?: (bytes: number) => void,
): Promise<Weight> {
  const plan = planWeight(parts, gpu.report.limits);
  const name = parts.map((part) => part.name).join(" | ");
  const shards = await gpu.allocating(name, () => plan.shards.map((shard) => createShard(gpu, name, shard)));
  const weight = { rows: plan.rows, columns: plan.columns, stride: Math.ceil(plan.rows / 4) * 4, shards, bytes: plan.bytes };
  try {
    for (const shard of shards) {
      writeUniform(gpu, weight, shard);
      await fillShard(gpu, source, parts, plan.columns, shard, onBytes);
    }
  } catch (error) {
    disposeWeight(gpu, weight);
    throw error;
  }
  return weight;
}

export function disposeWeight(gpu: Gpu, { shards }: Weight): void {
  for (const { quants, scales, uniform } of shards) {
    gpu.destroyBuffer(uniform);
    gpu.destroyBuffer(quants);
    if (scales !== quants) gpu.destroyBuffer(scales);
  }
}

/** A one-dimensional F32 tensor (a norm's weight) as an f32 buffer. Throws `unsupported-type` for other types. */
export async function uploadVector(
  gpu: Gpu,
  source: ByteSource,
  tensor: TensorInfo,
  onBytes?: (bytes: number) => void,
): Promise<GPUBuffer> {
  if (tensor.type !== "F32") {
    throw new LongtabError({ code: "unsupported-type", what: `The vector ${tensor.name} should be F32`, value: tensor.type });
  }
  const buffer = await gpu.allocating(tensor.name, () => createBuffer(gpu, tensor.name, tensor.byteLength));
  try {
    gpu.device.queue.writeBuffer(buffer, 0, await source.read(tensor.offset, tensor.byteLength));
  } catch (error) {
    gpu.destroyBuffer(buffer);
    throw error;
  }
  onBytes?.(tensor.byteLength);
  return buffer;
}

function createBuffer(gpu: Gpu, label: string, bytes: number): GPUBuffer {
  return gpu.createBuffer(label, bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
}

function createShard(gpu: Gpu, name: string, { format, firstRow, rows, quantBytes, scaleBytes }: ShardPlan): WeightShard {
  const quants = createBuffer(gpu, `${name} quants`, quantBytes);
  const scales = scaleBytes === 0 ? quants : createBuffer(gpu, `${name} scales`, scaleBytes);
  const uniform = gpu.createBuffer(`${name} shape`, shardUniformBytes, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  return { format, firstRow, rows, quants, scales, uniform };
}

function writeUniform(gpu: Gpu, { rows, columns, stride }: Weight, shard: WeightShard): void {
  for (const accumulate of [0, 1]) {
    const fields = Uint32Array.of(columns / 32, shard.rows, shard.firstRow, rows, stride, accumulate);
    gpu.device.queue.writeBuffer(shard.uniform, accumulate * 256, fields);
  }
}

async function fillShard(
  gpu: Gpu,
  source: ByteSource,
  parts: readonly TensorInfo[],
  columns: number,
  shard: WeightShard,
  onBytes: ((bytes: number) => void) | undefined,
): Promise<void> {
  const { format, firstRow, rows, quants, scales } = shard;
  const quantBytes = quantRowBytes(format, columns);
  const scaleBytes = scaleRowBytes(format, columns);
  const pieceRows = Math.max(4, Math.floor(pieceBytes / (quantBytes + scaleBytes) / 4) * 4);
  const most = Math.min(pieceRows, Math.ceil(rows / 4) * 4);
  const piece = { quants: new Uint32Array((most * quantBytes) / 4), scales: new Uint32Array((most * scaleBytes) / 4) };
  for (let row = 0; row < rows; row += pieceRows) {
    const end = Math.min(row + pieceRows, rows);
    let read = 0;
    for (const { part, from, to, at } of partsWithin(parts, firstRow + row, firstRow + end)) {
      const rowBytes = rowByteLength(part.type, columns);
      const bytes = await source.read(part.offset + from * rowBytes, (to - from) * rowBytes);
      relayRows({ type: part.type, columns, rows: to - from, bytes }, piece, at);
      read += bytes.length;
      release(bytes);
    }
    const paddedEnd = Math.ceil(end / 4) * 4;
    gpu.device.queue.writeBuffer(quants, row * quantBytes, piece.quants, 0, ((end - row) * quantBytes) / 4);
    if (scales !== quants) gpu.device.queue.writeBuffer(scales, row * scaleBytes, piece.scales, 0, ((paddedEnd - row) * scaleBytes) / 4);
    onBytes?.(read);
  }
}

/** The rows from `start` to `end` of the stacked weight, by part: rows `from` to `to` of `part`, of which the first is row `at` of the range. */
function partsWithin(
  parts: readonly TensorInfo[],
  start: number,
  end: number,
): { part: TensorInfo; from: number; to: number; at: number }[] {
  const found: { part: TensorInfo; from: number; to: number; at: number }[] = [];
  let first = 0;
  for (const part of parts) {
    const rows = rowsOf(part);
    const from = Math.max(start - first, 0);
    const to = Math.min(end - first, rows);
    if (from < to) found.push({ part, from, to, at: first + from - start });
    first += rows;
  }
  return found;
}
