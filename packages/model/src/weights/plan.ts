import { LongtabError } from "@longtab/errors";
import type { TensorInfo } from "@longtab/formats";
import type { WeightFormat } from "./format.ts";
import { FORMATS, FORMAT_OF } from "./format.ts";

/** Neighbouring rows of a weight in one format and in buffers that one binding can hold. */
export interface ShardPlan {
  readonly format: WeightFormat;
  /** Row of the whole weight at which the shard begins. */
  readonly firstRow: number;
  readonly rows: number;
  readonly quantBytes: number;
  /** 0 for formats without scales. */
  readonly scaleBytes: number;
}

export interface WeightPlan {
  readonly rows: number;
  readonly columns: number;
  readonly shards: readonly ShardPlan[];
  /** GPU memory of all shards, their uniforms included. */
  readonly bytes: number;
}

export interface BufferLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

/** A shard's shape for the kernels, once for writing the product and once, at the next dynamic offset, for adding it. */
export const shardUniformBytes = 512;

/** Shards begin at multiples of this, where a part's own start allows it: the widest workgroup of rows. */
const shardRows = 64;

/**
 * Where the rows of one weight go: tensors stacked by rows (query, key and value; gate and up), neighbours of one format together, split where a
 * buffer would exceed what one binding can hold.
 *
 * @throws LongtabError `unsupported-type` when the columns are not whole blocks, or when tensors of another format are stacked at a row that is no
 * multiple of four; `device-limit` when not even 64 rows fit a binding.
 */
export function planWeight(parts: readonly TensorInfo[], limits: BufferLimits): WeightPlan {
  const columns = columnsOf(parts);
  const limit = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  const shards: ShardPlan[] = [];
  let firstRow = 0;
  for (const { format, rows } of runsOfOneFormat(parts)) {
    const rowBytes = Math.max(quantRowBytes(format, columns), scaleRowBytes(format, columns));
    const most = Math.floor(limit / rowBytes / shardRows) * shardRows;
    if (most === 0) {
      throw new LongtabError({
        code: "device-limit",
        what: `${shardRows} rows of ${parts[0]?.name} do not fit one buffer of this GPU`,
        value: rowBytes * shardRows,
        limit,
        remedy: "choose a smaller model",
      });
    }
    if (firstRow % 4 !== 0) {
      throw new LongtabError({
        code: "unsupported-type",
        what: `Tensors of different types stacked with ${parts[0]?.name} should begin at a multiple of four rows`,
        value: firstRow,
      });
    }
    for (let done = 0; done < rows; done += most) shards.push(planShard(format, firstRow + done, Math.min(most, rows - done), columns));
    firstRow += rows;
  }
  const bytes = shards.reduce((sum, shard) => sum + shard.quantBytes + shard.scaleBytes + shardUniformBytes, 0);
  return { rows: firstRow, columns, shards, bytes };
}

function planShard(format: WeightFormat, firstRow: number, rows: number, columns: number): ShardPlan {
  const paddedRows = Math.ceil(rows / 4) * 4;
  return {
    format,
    firstRow,
    rows,
    quantBytes: rows * quantRowBytes(format, columns),
    scaleBytes: paddedRows * scaleRowBytes(format, columns),
  };
}

/** Bytes of one row's quants. */
export function quantRowBytes(format: WeightFormat, columns: number): number {
  return (columns / 32) * FORMATS[format].quantWords * 4;
}

/** Bytes of one row's scales; rows come in quads, so a shard holds a multiple of four of them. */
export function scaleRowBytes(format: WeightFormat, columns: number): number {
  const { scaleColumns, scaleWords } = FORMATS[format];
  return (columns / scaleColumns) * scaleWords * 4;
}

export function rowsOf({ shape }: TensorInfo): number {
  return shape.slice(0, -1).reduce((rows, dimension) => rows * dimension, 1);
}

function columnsOf(parts: readonly TensorInfo[]): number {
  const columns = parts[0]?.shape.at(-1) ?? 0;
  for (const part of parts) {
    const width = part.shape.at(-1) ?? 0;
    if (width % FORMATS[FORMAT_OF[part.type]].scaleColumns !== 0 || width === 0) {
      throw new LongtabError({
        code: "unsupported-type",
        what: `The rows of ${part.name} are not whole blocks of ${FORMATS[FORMAT_OF[part.type]].scaleColumns} weights`,
        value: width,
      });
    }
    if (width !== columns) {
      throw new LongtabError({
        code: "file-malformed",
        what: `${part.name} and ${parts[0]?.name} should have rows of one length`,
        value: width,
        limit: columns,
      });
    }
  }
  return columns;
}

function runsOfOneFormat(parts: readonly TensorInfo[]): { format: WeightFormat; rows: number }[] {
  const runs: { format: WeightFormat; rows: number }[] = [];
  for (const part of parts) {
    const format = FORMAT_OF[part.type];
    const last = runs.at(-1);
    if (last?.format === format) last.rows += rowsOf(part);
    else runs.push({ format, rows: rowsOf(part) });
  }
  return runs;
}
