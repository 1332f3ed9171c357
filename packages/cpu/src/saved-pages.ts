import { isResident, pageTokens } from "@longtab/attention";
import type { Gap, KvCache } from "@longtab/attention";
import { readAway } from "@longtab/attention/away";
import type { CpuPagePool, CpuTable } from "./kv/index.ts";
import { maxStepTokens } from "./scratch.ts";

/** The bytes of the pages of `count` blocks from `position` on, where heads keep them, one behind the other. */
export async function readPages(
  pool: CpuPagePool,
  cache: KvCache<CpuTable>,
  position: number,
  count: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const pages: Uint8Array[] = [];
  for (const bytes of pagesOf(pool, cache, position, count)) pages.push(await bytes);
  const bytes = new Uint8Array(pages.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const page of pages) {
    bytes.set(page, place);
    place += page.length;
  }
  return bytes;
}

/** Appends `tokens` whose pages hold such bytes. Throws as `KvCache.adopt` does; some may be appended then. */
export async function adoptPages(
  pool: CpuPagePool,
  cache: KvCache<CpuTable>,
  tokens: number,
  gaps: readonly (Gap | undefined)[],
  bytes: Uint8Array,
): Promise<void> {
  const end = cache.length + tokens;
  let place = 0;
  // A step's tokens at a time: what came before moves away where the pool has no room for all.
  while (cache.length < end) {
    const from = cache.length;
    await cache.adopt(Math.min(maxStepTokens, end - from), gaps);
    for (let position = from; position < cache.length; position += pageTokens) {
      for (const [layer, heads] of cache.pagesAt(position).entries()) {
        for (const held of heads) {
          if (!held || !isResident(held)) continue;
          const page = pool.page(layer, held.page, held.form);
          page.set(bytes.subarray(place, place + page.length));
          place += page.length;
        }
      }
    }
  }
}

/** Bytes in the pool as copies: a view lasts until the memory grows, and what is away is waited for. */
function* pagesOf(
  pool: CpuPagePool,
  cache: KvCache<CpuTable>,
  position: number,
  count: number,
): Generator<Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>> {
  for (let at = position; at < position + count * pageTokens; at += pageTokens) {
    for (const [layer, heads] of cache.pagesAt(at).entries()) {
      for (const held of heads) {
        if (held && isResident(held)) yield pool.page(layer, held.page, held.form).slice();
        else if (held && pool.away) yield readAway(pool.away, layer, held.page);
      }
    }
  }
}
