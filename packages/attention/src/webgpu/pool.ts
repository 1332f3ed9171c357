import { LongtabError } from "@longtab/errors";
import type { Gpu } from "@longtab/gpu";
import { pageTokens } from "../page.ts";
import type { CacheShape, PageForm } from "../page.ts";
import { FreePages, pagesExceeded } from "../pool.ts";
import type { AwayPages, PageCounts, PagePool } from "../pool.ts";
import { closes, openBytes, pagesBytes, recordBytes } from "./storage.ts";
import type { PageStorage } from "./storage.ts";
import { GpuTable } from "./table.ts";

// STORAGE | COPY_SRC | COPY_DST by number: this module is also loaded where there is no WebGPU.
const usage = 0x80 | 0x04 | 0x08;

/**
 * The pages of every layer. A pool per layer keeps each binding small; pools grow by doubling, one layer at a time, so that a
 * short chat takes little memory and growing never holds more than one layer twice.
 */
export class GpuPagePool implements PagePool<GpuTable> {
  readonly shape: CacheShape;
  /** By layer. */
  readonly storages: readonly PageStorage[];
  /** Most pages of one layer: its budget, stubs' pages among the closed ones. */
  readonly maxPages: PageCounts;
  /** Closed pages of a layer that are for stubs alone. */
  readonly #stubPages: number;
  /** What all layers' storages have in common. */
  readonly closes: boolean;
  readonly boxes: boolean;
  readonly marks = new Set<{ dispose(): void }>();
  /** Set where pages may leave, before the first timeline is made. */
  away: AwayPages | undefined;
  #gpu: Gpu;
  #layers: LayerPages[];
  /** Room for one page on its way from a buffer to the same one, which no copy may name twice. */
  #passage: GPUBuffer | undefined;

  /** `storages`: of each layer. @throws LongtabError `device-limit` where the pages of a layer are more than the GPU can bind. */
  constructor(gpu: Gpu, shape: CacheShape, maxPages: PageCounts & { stubPages?: number }, storages: readonly PageStorage[]) {
    this.#gpu = gpu;
    this.#stubPages = maxPages.stubPages ?? 0;
    this.shape = shape;
    this.storages = storages;
    this.closes = storages.every(closes);
    this.boxes = storages.every(({ boxRuns }) => boxRuns > 0);
    this.maxPages = maxPages;
    const sizes = storages.map((storage) => sizesOf(shape, storage));
    const limit = gpu.report.limits.maxStorageBufferBindingSize;
    for (const form of ["open", "closed"] as const) {
      const largest = maxPages[form] * Math.max(0, ...sizes.flatMap((ofLayer) => Object.values(ofLayer[form])));
      if (largest > limit) throw unbindable(largest, limit, Math.floor(((maxPages[form] / shape.kvHeads) * limit) / largest) * pageTokens);
    }
    this.#layers = sizes.map(({ open, closed }, layer) => ({
      open: new PageBuffers(gpu, `layer ${layer} open`, open),
      closed: new PageBuffers(gpu, `layer ${layer} closed`, closed),
      stubPages: 0,
    }));
  }

  /** Bytes allocated now. */
  get bytes(): number {
    return pagesBytes(this.shape, this.storages, (layer) => ({
      open: this.#at(layer, "open").pages.count,
      closed: this.#at(layer, "closed").pages.count,
    }));
  }

  get maxBytes(): number {
    return pagesBytes(this.shape, this.storages, () => this.maxPages);
  }

  storage(layer: number): PageStorage {
    return this.storages[layer] as PageStorage;
  }

  /** [open pages, 16, E] of f16. */
  keys(layer: number): GPUBuffer {
    return this.#at(layer, "open").buffer("keys");
  }

  values(layer: number): GPUBuffer {
    return this.#at(layer, "open").buffer("values");
  }

  /** Records of complete pages by their number; any buffer where nothing is stored of them, for kernels that do not read it then. */
  records(layer: number): GPUBuffer {
    if (this.closes) return this.#at(layer, "closed").buffer("records");
    return this.#at(layer, "open").buffer(this.boxes ? "records" : "keys");
  }

  /** The buffers that pages of a form have a part of, each at the place of its number, and the bytes of the part. */
  parts(layer: number, form: PageForm): { buffer: GPUBuffer; bytes: number }[] {
    return this.#at(layer, form).parts;
  }

  async reserve(wanted: PageCounts, only?: number): Promise<void> {
    for (const form of ["open", "closed"] as const) {
      for (const layer of only === undefined ? this.#layers : this.#layers.slice(only, only + 1)) {
        const stubPages = form === "closed" ? layer.stubPages : 0;
        const needed = layer[form].pages.used - stubPages + wanted[form];
        const limit = this.maxPages[form] - (form === "closed" ? this.#stubPages : 0);
        if (needed > limit) throw pagesExceeded(needed, limit);
        await this.#grow(layer, form, needed + stubPages);
      }
    }
  }

  /** Takes up to so many closed pages of a layer for stubs, for good: their numbers. Throws `out-of-memory`. */
  async takeStubPages(index: number, wanted: number): Promise<number[]> {
    const layer = this.#layers[index];
    if (!layer) throw new RangeError(`no layer ${index}`);
    const count = Math.min(wanted, this.#stubPages - layer.stubPages);
    if (count <= 0) return [];
    await this.#grow(layer, "closed", layer.closed.pages.used + count);
    layer.stubPages += count;
    return Array.from({ length: count }, () => layer.closed.pages.allocate());
  }

  allocate(layer: number, form: PageForm): number {
    return this.#at(layer, form).pages.allocate();
  }

  retain(layer: number, page: number, form: PageForm): void {
    this.#at(layer, form).pages.retain(page);
  }

  release(layer: number, page: number, form: PageForm): void {
    this.#at(layer, form).pages.release(page);
  }

  shared(layer: number, page: number, form: PageForm): boolean {
    return this.#at(layer, form).pages.shared(page);
  }

  copy(layer: number, from: number, to: number): void {
    const bytes = openBytes(this.shape);
    this.#passage ??= this.#gpu.createBuffer("page copy", bytes, usage);
    const encoder = this.#gpu.device.createCommandEncoder();
    for (const buffer of [this.keys(layer), this.values(layer)]) {
      encoder.copyBufferToBuffer(buffer, from * bytes, this.#passage, 0, bytes);
      encoder.copyBufferToBuffer(this.#passage, 0, buffer, to * bytes, bytes);
    }
    this.#gpu.device.queue.submit([encoder.finish()]);
  }

  createTable(label: string, wordsPerLayer: number): GpuTable {
    return new GpuTable(this.#gpu, label, this.shape.layers, wordsPerLayer);
  }

  dispose(): void {
    for (const { open, closed } of this.#layers) {
      open.dispose();
      closed.dispose();
    }
    if (this.#passage) this.#gpu.destroyBuffer(this.#passage);
  }

  async #grow(layer: LayerPages, form: PageForm, needed: number): Promise<void> {
    const { count } = layer[form].pages;
    if (needed > count) await layer[form].grow(Math.min(this.maxPages[form], Math.max(needed, count * 2)));
  }

  #at(layer: number, form: PageForm): PageBuffers {
    const pages = this.#layers[layer]?.[form];
    if (!pages) throw new RangeError(`no layer ${layer}`);
    return pages;
  }
}

/** `stubPages`: closed pages that hold stubs. */
type LayerPages = Record<PageForm, PageBuffers> & { stubPages: number };

/** Bytes of a page in each buffer. */
type PageSizes = Partial<Record<"keys" | "values" | "records", number>>;

function sizesOf(shape: CacheShape, storage: PageStorage): Record<PageForm, PageSizes> {
  const open = openBytes(shape);
  const record = recordBytes(shape, storage);
  return closes(storage)
    ? { open: { keys: open, values: open }, closed: { records: record } }
    : { open: { keys: open, values: open, ...(record > 0 ? { records: record } : {}) }, closed: {} };
}

/** The pages of one layer and form: a part of several buffers, each at the place of its number. */
class PageBuffers {
  readonly pages = new FreePages();
  #gpu: Gpu;
  #label: string;
  #sizes: Map<string, number>;
  #buffers = new Map<string, GPUBuffer>();
  #disposed = false;

  constructor(gpu: Gpu, label: string, sizes: PageSizes) {
    this.#gpu = gpu;
    this.#label = label;
    this.#sizes = new Map(Object.entries(sizes));
    // Something to bind before the first page is there.
    this.#create(1, this.#buffers);
  }

  buffer(name: keyof PageSizes): GPUBuffer {
    const buffer = this.#buffers.get(name);
    if (!buffer) throw new RangeError(`no ${name} in ${this.#label}`);
    return buffer;
  }

  get parts(): { buffer: GPUBuffer; bytes: number }[] {
    return Array.from(this.#buffers, ([name, buffer]) => ({ buffer, bytes: this.#sizes.get(name) ?? 0 }));
  }

  /** Moves the pages to larger buffers. Where there is no memory for those, everything stays as it is. */
  async grow(capacity: number): Promise<void> {
    const grown = new Map<string, GPUBuffer>();
    try {
      await this.#gpu.allocating("the conversation's cache", () => this.#create(capacity, grown));
    } catch (error) {
      for (const buffer of grown.values()) this.#gpu.destroyBuffer(buffer);
      throw error;
    }
    if (this.#disposed) {
      // While it waited the pool has gone, and nobody will use what was made.
      for (const buffer of grown.values()) this.#gpu.destroyBuffer(buffer);
      return;
    }
    const { count } = this.pages;
    const encoder = this.#gpu.device.createCommandEncoder();
    for (const [name, buffer] of count > 0 ? grown : []) {
      encoder.copyBufferToBuffer(this.buffer(name as keyof PageSizes), 0, buffer, 0, count * (this.#sizes.get(name) ?? 0));
    }
    this.#gpu.device.queue.submit([encoder.finish()]);
    for (const buffer of this.#buffers.values()) this.#gpu.destroyBuffer(buffer);
    this.#buffers = grown;
    // Lowest pages first, so that lists of a young pool read memory in order.
    this.pages.add(Array.from({ length: capacity - count }, (_, i) => count + i));
  }

  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.#buffers.values()) this.#gpu.destroyBuffer(buffer);
  }

  #create(capacity: number, buffers: Map<string, GPUBuffer>): void {
    for (const [name, bytes] of this.#sizes) buffers.set(name, this.#gpu.createBuffer(`${this.#label} ${name}`, capacity * bytes, usage));
  }
}

function unbindable(bytes: number, limit: number, tokens: number): LongtabError {
  return new LongtabError({
    code: "device-limit",
    what: "The cache of one layer is larger than this GPU can bind",
    value: bytes,
    limit,
    remedy: `choose a context of at most ${tokens} tokens`,
  });
}
