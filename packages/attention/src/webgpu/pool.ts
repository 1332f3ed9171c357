import { LongtabError } from "@longtab/errors";
import type { Gpu } from "@longtab/gpu";
import { pageTokens } from "../page.ts";
import type { CacheShape } from "../page.ts";
import { FreePages, pagesExceeded } from "../pool.ts";
import type { PageCounts, PagePool } from "../pool.ts";
import { GpuTable } from "./table.ts";

// STORAGE | COPY_SRC | COPY_DST by number: this module is also loaded where there is no WebGPU.
const usage = 0x80 | 0x04 | 0x08;

/** Bytes of one page's keys, and again of its values: [16, E] in f16. */
export function pageBytes({ headSize }: CacheShape): number {
  return pageTokens * headSize * 2;
}

/**
 * The pages of every layer. A pool per layer keeps each binding small; pools grow by doubling, one layer at a time, so that a
 * short chat takes little memory and growing never holds more than one layer twice.
 */
export class GpuPagePool implements PagePool<GpuTable> {
  readonly shape: CacheShape;
  readonly closes = false;
  readonly boxes = false;
  readonly marks = new Set<{ dispose(): void }>();
  /** Most pages of one layer: its budget. */
  readonly maxPages: number;
  #gpu: Gpu;
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
    this.#gpu = gpu;
    this.shape = shape;
    this.maxPages = maxPages;
    this.#layers = Array.from({ length: shape.layers }, (_, layer) => new LayerPool(gpu, `layer ${layer}`, shape));
  }

  /** Bytes allocated now. */
  get bytes(): number {
    return this.#layers.reduce((sum, layer) => sum + layer.pages.count * 2 * pageBytes(this.shape), 0);
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

  async reserve({ open }: PageCounts): Promise<void> {
    for (const layer of this.#layers) {
      const { used, count: capacity } = layer.pages;
      const needed = used + open;
      if (needed <= capacity) continue;
      if (needed > this.maxPages) throw pagesExceeded(needed, this.maxPages);
      await layer.grow(Math.min(this.maxPages, Math.max(needed, capacity * 2)));
    }
  }

  allocate(layer: number): number {
    return this.#layer(layer).pages.allocate();
  }

  retain(layer: number, page: number): void {
    this.#layer(layer).pages.retain(page);
  }

  release(layer: number, page: number): void {
    this.#layer(layer).pages.release(page);
  }

  shared(layer: number, page: number): boolean {
    return this.#layer(layer).pages.shared(page);
  }

  copy(layer: number, from: number, to: number): void {
    const bytes = pageBytes(this.shape);
    const encoder = this.#gpu.device.createCommandEncoder();
    for (const buffer of [this.keys(layer), this.values(layer)])
      encoder.copyBufferToBuffer(buffer, from * bytes, buffer, to * bytes, bytes);
    this.#gpu.device.queue.submit([encoder.finish()]);
  }

  createTable(label: string, wordsPerLayer: number): GpuTable {
    return new GpuTable(this.#gpu, label, this.shape.layers, wordsPerLayer);
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
  readonly pages = new FreePages();
  #gpu: Gpu;
  #label: string;
  #pageBytes: number;

  constructor(gpu: Gpu, label: string, shape: CacheShape) {
    this.#gpu = gpu;
    this.#label = label;
    this.#pageBytes = pageBytes(shape);
    this.keys = gpu.createBuffer(`${label} keys`, this.#pageBytes, usage);
    this.values = gpu.createBuffer(`${label} values`, this.#pageBytes, usage);
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
    const { count } = this.pages;
    this.pages.add(Array.from({ length: capacity - count }, (_, i) => count + i));
  }

  dispose(): void {
    this.#gpu.destroyBuffer(this.keys);
    this.#gpu.destroyBuffer(this.values);
  }

  #move(old: GPUBuffer, grown: GPUBuffer): GPUBuffer {
    if (this.pages.count > 0) {
      const encoder = this.#gpu.device.createCommandEncoder();
      encoder.copyBufferToBuffer(old, 0, grown, 0, this.pages.count * this.#pageBytes);
      this.#gpu.device.queue.submit([encoder.finish()]);
    }
    this.#gpu.destroyBuffer(old);
    return grown;
  }
}
