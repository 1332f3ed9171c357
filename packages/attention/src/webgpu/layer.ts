import type { StorageBinding } from "@longtab/gpu";
import type { KvCache } from "../cache.ts";
import type { GpuPagePool } from "./pool.ts";
import type { PageStorage } from "./storage.ts";
import type { GpuTable } from "./table.ts";

/** What the kernels of one layer bind. Fetch it for every step: pools and so buffers may have grown. */
export interface LayerCache {
  storage: PageStorage;
  keys: GPUBuffer;
  values: GPUBuffer;
  /** Records of complete pages. */
  closed: GPUBuffer;
  /** [kvHeads, capacity] of four words: exactly those, for kernels find the capacity by division. */
  entries: StorageBinding;
  /** [kvHeads] of eight words. */
  heads: StorageBinding;
  /** [kvHeads, tokens] of this step: where its keys and values go. */
  slots: StorageBinding;
  /** [closings of this step] of two words: pages that it completes, and the pages of their records. */
  closings: StorageBinding;
  /** u32 [pages by position], where selection counts the runs that it takes. */
  hits: StorageBinding;
  /** u32 [kvHeads, runs]: where selection says which pages it took of those that may be away. */
  looks: StorageBinding;
  /** Of `FarTurns`; any buffer where no entry is far. */
  turns: StorageBinding;
}

/** One layer of a timeline whose pages are in `pool`. */
export function layerCache(
  pool: GpuPagePool,
  cache: KvCache<GpuTable>,
  { hits, looks, turns }: Pick<LayerCache, "hits" | "looks" | "turns">,
  layer: number,
): LayerCache {
  return {
    storage: pool.storage(layer),
    keys: pool.keys(layer),
    values: pool.values(layer),
    closed: pool.records(layer),
    entries: cache.lists.entries.binding(layer),
    heads: cache.lists.heads.binding(layer),
    slots: cache.slots.binding(layer),
    closings: cache.closings.binding(layer),
    hits,
    looks,
    turns,
  };
}
