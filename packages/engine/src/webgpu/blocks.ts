import { isResident, pageTokens } from "@longtab/attention";
import type { HeadPage } from "@longtab/attention";
import { pageBytes } from "@longtab/attention/webgpu";
import type { GpuPagePool } from "@longtab/attention/webgpu";
import { mapForReading } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import type { CacheForm } from "../backend.ts";

/** The pages of one block, [layers, kvHeads]: undefined where a head keeps none. */
export type BlockPages = readonly (readonly (HeadPage | undefined)[])[];

/** A block is the pages of every layer and head in that order, of each its part of every buffer. */
export function cacheForm({ shape, storage }: GpuPagePool): CacheForm {
  const { layers, kvHeads, headSize } = shape;
  const { keyBits, valueBits, boxRuns, shrink } = storage;
  const precision = `f16, then ${keyBits} and ${valueBits} bits, ${boxRuns} boxes shrunk by ${shrink}`;
  return { precision, layers, kvHeads, headSize, blockTokens: pageTokens, pageBytes: pageBytes(shape, storage) };
}

/** Copies blocks to JavaScript behind everything submitted so far; the copy is submitted before this returns. */
export async function readBlocks(gpu: Gpu, pool: GpuPagePool, blocks: readonly BlockPages[]): Promise<Uint8Array<ArrayBuffer>> {
  const places = [...placesOf(pool, blocks)];
  const size = places.reduce((sum, { bytes }) => sum + bytes, 0);
  if (size === 0) return new Uint8Array();
  const staging = gpu.createBuffer("snapshot", size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
  try {
    const encoder = gpu.device.createCommandEncoder();
    for (const { buffer, at, place, bytes } of places) encoder.copyBufferToBuffer(buffer, at, staging, place, bytes);
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
  let place = 0;
  for (const block of blocks) {
    for (const [layer, pages] of block.entries()) {
      for (const held of pages) {
        if (!held || !isResident(held)) continue;
        for (const { buffer, bytes } of pool.parts(layer, held.form)) {
          yield { buffer, at: held.page * bytes, place, bytes };
          place += bytes;
        }
      }
    }
  }
}
