import { pageTokens } from "@longtab/attention";
import { pageBytes } from "@longtab/attention/webgpu";
import type { GpuPagePool } from "@longtab/attention/webgpu";
import { mapForReading } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import type { CacheForm } from "../backend.ts";

/** The pages of one block: their numbers, [layers, kvHeads]. */
export type BlockPages = readonly (readonly number[])[];

/** A block is the pages of every layer and head in that order, the keys of each before its values. */
export function cacheForm({ shape }: GpuPagePool): CacheForm {
  const { layers, kvHeads, headSize } = shape;
  return { precision: "f16", layers, kvHeads, headSize, blockTokens: pageTokens, blockBytes: layers * kvHeads * 2 * pageBytes(shape) };
}

/** Copies blocks to JavaScript behind everything submitted so far; the copy is submitted before this returns. */
export async function readBlocks(gpu: Gpu, pool: GpuPagePool, blocks: readonly BlockPages[]): Promise<Uint8Array<ArrayBuffer>> {
  const size = blocks.length * cacheForm(pool).blockBytes;
  const staging = gpu.createBuffer("snapshot", size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
  try {
    const encoder = gpu.device.createCommandEncoder();
    for (const { buffer, at, place, bytes } of placesOf(pool, blocks)) encoder.copyBufferToBuffer(buffer, at, staging, place, bytes);
    gpu.device.queue.submit([encoder.finish()]);
    await mapForReading(staging, size);
    return new Uint8Array(staging.getMappedRange(0, size).slice(0));
  } finally {
    gpu.destroyBuffer(staging);
  }
}

/** Puts the bytes of blocks where their pages are. */
export function writeBlocks(gpu: Gpu, pool: GpuPagePool, blocks: readonly BlockPages[], data: Uint8Array<ArrayBuffer>): void {
  for (const { buffer, at, place, bytes } of placesOf(pool, blocks)) gpu.device.queue.writeBuffer(buffer, at, data, place, bytes);
}

/** Where the bytes of blocks lie: `bytes` from `at` of a buffer on are those from `place` on. */
function* placesOf(
  pool: GpuPagePool,
  blocks: readonly BlockPages[],
): Generator<{ buffer: GPUBuffer; at: number; place: number; bytes: number }> {
  const bytes = pageBytes(pool.shape);
  let place = 0;
  for (const block of blocks) {
    for (const [layer, pages] of block.entries()) {
      for (const page of pages) {
        for (const buffer of [pool.keys(layer), pool.values(layer)]) {
          yield { buffer, at: page * bytes, place, bytes };
          place += bytes;
        }
      }
    }
  }
}
