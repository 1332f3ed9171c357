import { LongtabError } from "@longtab/errors";
import type { Gpu } from "@longtab/gpu";
import { pageBytes, pageTokens } from "./page.ts";
import type { CacheShape } from "./page.ts";

// STORAGE | COPY_SRC | COPY_DST by number: this module is also loaded where there is no WebGPU.
const usage = 0x80 | 0x04 | 0x08;

/**
 * The pages of every layer. A pool per layer keeps each binding small; pools grow by doubling, one layer at a time, so that a
 * short chat takes little memory and growing never holds more than one layer twice.
 */
export class PagePool {
  readonly shape: CacheShape;
  /** Most pages of one layer: its budget. */
  readonly maxPages: number;
  #layers: LayerPool[];

  constructor(gpu: Gpu, shape: CacheShape, maxPages: number) {
    const largest = Math.floor(gpu.report.limits.maxStorageBufferBindingSize / pageBytes(shape));
    if (maxPages > largest) {
      throw new LongtabError({
        code: "device-limit",
        what: "The cache of one layer is larger than this GPU can bind",
        value: maxPages * pageBytes(shape),
        limit: gpu.report.limits.maxStorageBufferBindingSize,
        remedy: `choose a context of at most ${Math.floor(largest / shape.kvHeads) * pageTokens} tokens`,
      });
    }
    this.shape = shape;
    this.maxPages = maxPages;
    this.#layers = Array.from({ length: shape.layers }, (_, layer) => new LayerPool(gpu, `layer ${layer}`, shape));
  }

  /** Bytes allocated now. */
  get bytes(): number {
    return this.#layers.reduce((sum, layer) => sum + layer.capacity * 2 * pageBytes(this.shape), 0);
  }

  get maxBytes(): number {
    return this.shape.layers * this.maxPages * 2 * pageBytes(this.shape);
  }

  keys(layer: number): GPUBuffer {
    return this.#layer(layer).keys;
  }

  values(layer: number): GPUBuffer {
    return this.#layer(layer).values;
  }

  /** Makes room for `count` more pages in every layer. Throws `context-exceeded` past the budget and `out-of-memory`. */
  async reserve(count: number): Promise<void> {
    for (const layer of this.#layers) {
      const needed = layer.used + count;
      if (needed <= layer.capacity) continue;
      if (needed > this.maxPages)
        throw new LongtabError({
          code: "context-exceeded",
          what: "The cache has no free page left",
          value: needed,
          limit: this.maxPages,
          remedy: "start a new chat or shorten the conversation",
        });
      const capacity = Math.min(this.maxPages, Math.max(needed, layer.capacity * 2));
      await layer.grow(capacity);
    }
  }

  /** A page of this layer; `reserve` has made room. */
  allocate(layer: number): number {
    return this.#layer(layer).allocate();
  }

  release(layer: number, page: number): void {
    this.#layer(layer).release(page);
  }

  dispose(): void {
    for (const layer of this.#layers) layer.dispose();
  }

  #layer(index: number): LayerPool {
    const layer = this.#layers[index];
    if (!layer) throw new RangeError(`no layer ${index}`);
    return layer;
  }
}

class LayerPool {
  keys: GPUBuffer;
  values: GPUBuffer;
  capacity = 0;
  #gpu: Gpu;
  #label: string;
  #pageBytes: number;
  #free: number[] = [];

  constructor(gpu: Gpu, label: string, shape: CacheShape) {
    this.#gpu = gpu;
    this.#label = label;
    this.#pageBytes = pageBytes(shape);
    this.keys = gpu.createBuffer(`${label} keys`, this.#pageBytes, usage);
    this.values = gpu.createBuffer(`${label} values`, this.#pageBytes, usage);
  }

  get used(): number {
    return this.capacity - this.#free.length;
  }

  /** Moves the pages to larger buffers. Where there is no memory for those, everything stays as it is. */
  async grow(capacity: number): Promise<void> {
    const grown: GPUBuffer[] = [];
    try {
      await this.#gpu.allocating("the conversation's cache", () => {
        for (const name of ["keys", "values"])
          grown.push(this.#gpu.createBuffer(`${this.#label} ${name}`, capacity * this.#pageBytes, usage));
      });
    } catch (error) {
      for (const buffer of grown) this.#gpu.destroyBuffer(buffer);
      throw error;
    }
    const [keys = this.keys, values = this.values] = grown;
    this.keys = this.#move(this.keys, keys);
    this.values = this.#move(this.values, values);
    // Lowest pages first, so that lists of a young pool read memory in order.
    const added = Array.from({ length: capacity - this.capacity }, (_, i) => capacity - 1 - i);
    this.#free = [...added, ...this.#free];
    this.capacity = capacity;
  }

  allocate(): number {
    const page = this.#free.pop();
    if (page === undefined) throw new LongtabError({ code: "internal", what: "A page was taken without reserving it" });
    return page;
  }

  release(page: number): void {
    this.#free.push(page);
  }

  dispose(): void {
    this.#gpu.destroyBuffer(this.keys);
    this.#gpu.destroyBuffer(this.values);
  }

  #move(old: GPUBuffer, grown: GPUBuffer): GPUBuffer {
    if (this.capacity > 0) {
      const encoder = this.#gpu.device.createCommandEncoder();
      encoder.copyBufferToBuffer(old, 0, grown, 0, this.capacity * this.#pageBytes);
      this.#gpu.device.queue.submit([encoder.finish()]);
    }
    this.#gpu.destroyBuffer(old);
    return grown;
  }
}
