import type { KvCache, LayerTable } from "@longtab/attention";
import type { Heap } from "../heap.ts";

/** A table where the kernels read it. */
export class CpuTable implements LayerTable {
  #heap: Heap;
  #pointer: number;
  #wordsPerLayer: number;

  /** @throws LongtabError `out-of-memory`. */
  constructor(heap: Heap, layers: number, wordsPerLayer: number) {
    this.#heap = heap;
    this.#wordsPerLayer = wordsPerLayer;
    this.#pointer = heap.allocate(layers * wordsPerLayer * 4);
    heap.u32(this.#pointer, layers * wordsPerLayer).fill(0);
  }

  /** Of one layer's part. */
  pointer(layer: number): number {
    return this.#pointer + layer * this.#wordsPerLayer * 4;
  }

  write(layer: number, first: number, words: ArrayLike<number>): void {
    this.#heap.u32(this.pointer(layer) + first * 4, words.length).set(words);
  }

  /** There is nothing to do: steps read what was written. */
  flush(): void {}

  dispose(): void {
    this.#heap.free(this.#pointer);
  }
}

/** What the kernels read of one layer of a timeline, for one step. */
export interface LayerPointers {
  /** u32 [kvHeads, capacity, 4] */
  entries: number;
  /** u32 [kvHeads, 8] */
  heads: number;
  /** Entries of a list at most. */
  capacity: number;
  /** u32 [kvHeads, tokens]: where this step's keys and values go. */
  slots: number;
  /** u32 [closingCount, 2]: pages that this step completes, and where they move to. */
  closings: number;
  closingCount: number;
}

export function layerPointers({ lists, slots, closings, closingCount }: KvCache<CpuTable>, layer: number): LayerPointers {
  return {
    entries: lists.entries.pointer(layer),
    heads: lists.heads.pointer(layer),
    capacity: lists.capacity,
    slots: slots.pointer(layer),
    closings: closings.pointer(layer),
    closingCount,
  };
}
