import { isResident, pagesFor, pageTokens } from "@longtab/attention";
import type { Gap, HeadPage, KvCache } from "@longtab/attention";
import type { GpuPagePool, GpuTable } from "@longtab/attention/webgpu";
import { readAway } from "@longtab/attention/away";
import { mapForReading } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { maxStepTokens } from "@longtab/model";

/** The pages of one block, [layers, kvHeads]: undefined where a head keeps none. */
export type BlockPages = readonly (readonly (HeadPage | undefined)[])[];

/** Copies blocks to JavaScript behind everything submitted so far; the copy is submitted before this waits. What is away is read where it is. */
export async function readBlocks(gpu: Gpu, pool: GpuPagePool, blocks: readonly BlockPages[]): Promise<Uint8Array<ArrayBuffer>> {
  const places = [...placesOf(pool, blocks)];
  const size = places.reduce((sum, { bytes }) => sum + bytes, 0);
  if (size === 0) return new Uint8Array();
  const outside = pool.away;
  const away = places.flatMap(({ layer, held, place }) =>
    outside && !isResident(held) ? [{ from: outside, layer, page: held.page, place }] : [],
  );
  const read = Promise.all(away.map(async ({ from, layer, page, place }) => ({ place, bytes: await readAway(from, layer, page) })));
  // It may fail while the copy is waited for, or nobody wait for it because that fails.
  read.catch(() => {});
  const staging = gpu.createBuffer("snapshot", size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
  try {
    const encoder = gpu.device.createCommandEncoder();
    for (const { buffer, at, place, bytes } of places) if (buffer) encoder.copyBufferToBuffer(buffer, at, staging, place, bytes);
    gpu.device.queue.submit([encoder.finish()]);
    await mapForReading(staging, size);
    const all = new Uint8Array(staging.getMappedRange(0, size).slice(0));
    for (const { place, bytes } of await read) all.set(bytes, place);
    return all;
  } finally {
    gpu.destroyBuffer(staging);
  }
}

/** Appends `tokens` whose pages hold such bytes. Throws as `KvCache.adopt` does; some may be appended then. */
export async function adoptBlocks(
  gpu: Gpu,
  pool: GpuPagePool,
  cache: KvCache<GpuTable>,
  tokens: number,
  gaps: readonly (Gap | undefined)[],
  data: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const end = cache.length + tokens;
  let written = 0;
  // A step's tokens at a time: what came before moves away where the pool has no room for all.
  while (cache.length < end) {
    const from = cache.length;
    await cache.adopt(Math.min(maxStepTokens, end - from), gaps);
    const blocks = Array.from({ length: pagesFor(cache.length - from) }, (_, index) => cache.pagesAt(from + index * pageTokens));
    const places = [...placesOf(pool, blocks)];
    for (const { buffer, at, place, bytes } of places) if (buffer) gpu.device.queue.writeBuffer(buffer, at, data, written + place, bytes);
    written += places.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

/** Where the bytes of a page lie: `bytes` from `at` of a buffer on are those from `place` on. */
interface BytesOfPage {
  layer: number;
  held: HeadPage;
  /** Undefined where the page is away. */
  buffer: GPUBuffer | undefined;
  at: number;
  place: number;
  bytes: number;
}

function* placesOf(pool: GpuPagePool, blocks: readonly BlockPages[]): Generator<BytesOfPage> {
  let place = 0;
  for (const block of blocks) {
    for (const [layer, pages] of block.entries()) {
      for (const held of pages) {
        if (!held) continue;
        const away = !isResident(held);
        for (const { buffer, bytes } of pool.parts(layer, away ? "closed" : held.form)) {
          yield { layer, held, buffer: away ? undefined : buffer, at: held.page * bytes, place, bytes };
          place += bytes;
        }
      }
    }
  }
}
