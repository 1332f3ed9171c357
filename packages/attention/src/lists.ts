import type { Gpu, StorageBinding } from "@longtab/gpu";
import { entryWords, pageTokens } from "./page.ts";
import type { CacheShape, HeadPage } from "./page.ts";
import type { ListWriter } from "./policies/policy.ts";

/** Bindings into a shared buffer must start at multiples of this (minStorageBufferOffsetAlignment by default). */
const alignment = 256;

/**
 * The page lists of one timeline, on the CPU and mirrored on the GPU: entries [layers, kvHeads, capacity] of four words and
 * lengths [layers, kvHeads], each layer's part aligned so that it can be bound by itself.
 */
export class PageLists {
  /** Entries of one list at most; rounded so that a layer's lists are a multiple of the binding alignment. */
  readonly capacity: number;
  #gpu: Gpu;
  #kvHeads: number;
  #entries: Uint32Array<ArrayBuffer>;
  #lengths: Uint32Array<ArrayBuffer>;
  #entriesBuffer: GPUBuffer;
  #lengthsBuffer: GPUBuffer;

  constructor(gpu: Gpu, shape: CacheShape, capacity: number) {
    this.#gpu = gpu;
    this.#kvHeads = shape.kvHeads;
    this.capacity = Math.ceil(capacity / pageTokens) * pageTokens;
    this.#entries = new Uint32Array(shape.layers * shape.kvHeads * this.capacity * entryWords);
    this.#lengths = new Uint32Array((shape.layers * this.#lengthsStride) / 4);
    this.#entriesBuffer = gpu.createBuffer("page lists", this.#entries.byteLength, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
    this.#lengthsBuffer = gpu.createBuffer("page list lengths", this.#lengths.byteLength, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
  }

  /** Lets `write` change one list and uploads what changed. */
  update(layer: number, kvHead: number, write: (list: ListWriter) => void): void {
    const first = (layer * this.#kvHeads + kvHead) * this.capacity;
    const lengthIndex = (layer * this.#lengthsStride) / 4 + kvHead;
    let low = this.capacity;
    let high = 0;
    write({
      entry: (index, page, run) => {
        this.#writeEntry(first + index, page, run);
        low = Math.min(low, index);
        high = Math.max(high, index + 1);
      },
      end: (length) => {
        this.#lengths[lengthIndex] = length;
      },
    });
    const { queue } = this.#gpu.device;
    if (high > low)
      queue.writeBuffer(
        this.#entriesBuffer,
        (first + low) * entryWords * 4,
        this.#entries,
        (first + low) * entryWords,
        (high - low) * entryWords,
      );
    queue.writeBuffer(this.#lengthsBuffer, lengthIndex * 4, this.#lengths, lengthIndex, 1);
  }

  length(layer: number, kvHead: number): number {
    return this.#lengths[(layer * this.#lengthsStride) / 4 + kvHead] ?? 0;
  }

  /** One layer's lists as kernels bind them. */
  entries(layer: number): StorageBinding {
    const size = this.#kvHeads * this.capacity * entryWords * 4;
    return { buffer: this.#entriesBuffer, offset: layer * size, size };
  }

  lengths(layer: number): StorageBinding {
    return { buffer: this.#lengthsBuffer, offset: layer * this.#lengthsStride, size: this.#kvHeads * 4 };
  }

  dispose(): void {
    this.#gpu.destroyBuffer(this.#entriesBuffer);
    this.#gpu.destroyBuffer(this.#lengthsBuffer);
  }

  get #lengthsStride(): number {
    return Math.ceil((this.#kvHeads * 4) / alignment) * alignment;
  }

  #writeEntry(index: number, page: HeadPage, run = { token: 0, count: pageTokens, rotation: 0 }): void {
    this.#entries.set([page.page * pageTokens + run.token, page.position + run.token, run.count, run.rotation], index * entryWords);
  }
}
