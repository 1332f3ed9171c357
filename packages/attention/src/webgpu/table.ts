import type { Gpu, StorageBinding } from "@longtab/gpu";
import type { LayerTable } from "../pool.ts";

/** Bindings into a shared buffer must start at multiples of this (minStorageBufferOffsetAlignment by default). */
const alignment = 256;

/** A table in a GPU buffer with its image in JavaScript; each layer's part is aligned so that it can be bound by itself. */
export class GpuTable implements LayerTable {
  #gpu: Gpu;
  /** Words from one layer's part to the next one's. */
  #stride: number;
  #words: Uint32Array<ArrayBuffer>;
  #buffer: GPUBuffer;
  /** What was written since the last flush: words from `low` to before `high`. */
  #low: number;
  #high = 0;

  constructor(gpu: Gpu, label: string, layers: number, wordsPerLayer: number) {
    this.#gpu = gpu;
    this.#stride = (Math.ceil((wordsPerLayer * 4) / alignment) * alignment) / 4;
    this.#words = new Uint32Array(layers * this.#stride);
    this.#low = this.#words.length;
    this.#buffer = gpu.createBuffer(label, this.#words.byteLength, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
  }

  write(layer: number, first: number, words: ArrayLike<number>): void {
    const start = layer * this.#stride + first;
    this.#words.set(words, start);
    this.#low = Math.min(this.#low, start);
    this.#high = Math.max(this.#high, start + words.length);
  }

  flush(): void {
    if (this.#high <= this.#low) return;
    this.#gpu.device.queue.writeBuffer(this.#buffer, this.#low * 4, this.#words, this.#low, this.#high - this.#low);
    this.#low = this.#words.length;
    this.#high = 0;
  }

  /** One layer's part as kernels bind it. */
  binding(layer: number): StorageBinding {
    return { buffer: this.#buffer, offset: layer * this.#stride * 4, size: this.#stride * 4 };
  }

  dispose(): void {
    this.#gpu.destroyBuffer(this.#buffer);
  }
}
