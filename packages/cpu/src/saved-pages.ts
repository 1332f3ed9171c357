import { pageTokens } from "@longtab/attention";
import type { KvCache } from "@longtab/attention";
import type { CpuPagePool, CpuTable } from "./kv/index.ts";

/** The bytes of the pages of `count` blocks from `position` on, where heads keep them, one behind the other. */
export function readPages(pool: CpuPagePool, cache: KvCache<CpuTable>, position: number, count: number): Uint8Array<ArrayBuffer> {
  const pages = pagesOf(pool, cache, position, count);
  const bytes = new Uint8Array(pages.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const page of pages) {
    bytes.set(page, place);
    place += page.length;
  }
  return bytes;
}

/** Puts such bytes where the pages are. */
export function writePages(pool: CpuPagePool, cache: KvCache<CpuTable>, position: number, count: number, bytes: Uint8Array): void {
  let place = 0;
  for (const page of pagesOf(pool, cache, position, count)) {
    page.set(bytes.subarray(place, place + page.length));
    place += page.length;
  }
}

/** Views that last until the memory grows. */
function pagesOf(pool: CpuPagePool, cache: KvCache<CpuTable>, position: number, count: number): Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: count }, (_, index) => cache.pagesAt(position + index * pageTokens).flat())
    .flat()
    .flatMap((held) => (held ? [pool.page(held.page, held.form)] : []));
}
