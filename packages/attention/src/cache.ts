import type { Gpu, StorageBinding } from "@longtab/gpu";
import { PageLists } from "./lists.ts";
import { pageTokens } from "./page.ts";
import type { HeadPage } from "./page.ts";
import type { Policy } from "./policies/policy.ts";
import type { PagePool } from "./pool.ts";

/** What the kernels of one layer bind. Fetch it for every step: pools and so buffers may have grown. */
export interface LayerCache {
  keys: GPUBuffer;
  values: GPUBuffer;
  entries: StorageBinding;
  lengths: StorageBinding;
  /** [kvHeads, tokens] of this step: where its keys and values go. */
  slots: StorageBinding;
}

/** The keys and values of one timeline: which pages each head keeps, and the lists that a policy makes of them. */
export class KvCache {
  readonly lists: PageLists;
  #pool: PagePool;
  #policy: Policy;
  /** Pages by layer and KV head. */
  #pages: HeadPage[][][];
  #stepSlots: { prefill: AppendSlots; decode: AppendSlots };
  #slots: AppendSlots;
  #length = 0;

  /** `maxStep`: most tokens that one step appends. */
  constructor(gpu: Gpu, pool: PagePool, policy: Policy, contextLength: number, maxStep: number) {
    const { layers, kvHeads } = pool.shape;
    this.#pool = pool;
    this.#policy = policy;
    this.lists = new PageLists(gpu, pool.shape, policy.listCapacity(contextLength));
    this.#pages = Array.from({ length: layers }, () => Array.from({ length: kvHeads }, () => []));
    // A table of its own for one token: the upload of a decode step stays small however long a prefill step may be.
    this.#stepSlots = { prefill: new AppendSlots(gpu, layers, kvHeads * maxStep), decode: new AppendSlots(gpu, layers, kvHeads) };
    this.#slots = this.#stepSlots.decode;
  }

  /** Tokens held. */
  get length(): number {
    return this.#length;
  }

  /** Makes sure that the pools have room for `tokens` more; `append` then cannot fail. */
  async reserve(tokens: number): Promise<void> {
    const { kvHeads } = this.#pool.shape;
    await this.#pool.reserve(kvHeads * (pagesFor(this.#length + tokens) - pagesFor(this.#length)));
  }

  /** Gives the next `tokens` tokens their slots in every layer, and brings the lists up to date. */
  append(tokens: number): void {
    const { layers, kvHeads } = this.#pool.shape;
    this.#slots = tokens === 1 ? this.#stepSlots.decode : this.#stepSlots.prefill;
    for (let layer = 0; layer < layers; layer++) {
      for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
        const pages = this.#extend(layer, kvHead, this.#length + tokens);
        for (let token = 0; token < tokens; token++) this.#slots.set(layer, kvHead * tokens + token, slotOf(pages, this.#length + token));
      }
    }
    this.#slots.upload();
    this.#length += tokens;
  }

  /** Forgets every token from `length` on; pages that become empty return to the pool. */
  truncate(length: number): void {
    if (length >= this.#length) return;
    this.#length = length;
    for (const [layer, heads] of this.#pages.entries()) {
      for (const [kvHead, pages] of heads.entries()) {
        const kept = pagesFor(length);
        if (pages.length <= kept) continue;
        for (const { page } of pages.splice(kept)) this.#pool.release(layer, page);
        this.lists.update(layer, kvHead, (list) => this.#policy.writeList(list, pages, kept));
      }
    }
  }

  layer(layer: number): LayerCache {
    return {
      keys: this.#pool.keys(layer),
      values: this.#pool.values(layer),
      entries: this.lists.entries(layer),
      lengths: this.lists.lengths(layer),
      slots: this.#slots.binding(layer),
    };
  }

  /** Longest list of any head, in entries: how far decode attention must split. */
  get longestList(): number {
    let longest = 0;
    for (const [layer, heads] of this.#pages.entries())
      for (const kvHead of heads.keys()) longest = Math.max(longest, this.lists.length(layer, kvHead));
    return longest;
  }

  dispose(): void {
    this.truncate(0);
    this.lists.dispose();
    this.#stepSlots.prefill.dispose();
    this.#stepSlots.decode.dispose();
  }

  #extend(layer: number, kvHead: number, length: number): readonly HeadPage[] {
    const pages = this.#pages[layer]?.[kvHead] ?? [];
    const before = pages.length;
    while (pages.length < pagesFor(length)) pages.push({ page: this.#pool.allocate(layer), position: pages.length * pageTokens });
    if (pages.length > before) this.lists.update(layer, kvHead, (list) => this.#policy.writeList(list, pages, before));
    return pages;
  }
}

/** Where a step's keys and values go: `length` slots for each layer, each layer's part aligned so that it can be bound by itself. */
class AppendSlots {
  #gpu: Gpu;
  #stride: number;
  #data: Uint32Array<ArrayBuffer>;
  #buffer: GPUBuffer;

  constructor(gpu: Gpu, layers: number, length: number) {
    this.#gpu = gpu;
    this.#stride = Math.ceil((length * 4) / 256) * 256;
    this.#data = new Uint32Array((layers * this.#stride) / 4);
    this.#buffer = gpu.createBuffer("append slots", this.#data.byteLength, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
  }

  set(layer: number, index: number, slot: number): void {
    this.#data[(layer * this.#stride) / 4 + index] = slot;
  }

  upload(): void {
    this.#gpu.device.queue.writeBuffer(this.#buffer, 0, this.#data);
  }

  binding(layer: number): StorageBinding {
    return { buffer: this.#buffer, offset: layer * this.#stride, size: this.#stride };
  }

  dispose(): void {
    this.#gpu.destroyBuffer(this.#buffer);
  }
}

function pagesFor(tokens: number): number {
  return Math.ceil(tokens / pageTokens);
}

function slotOf(pages: readonly HeadPage[], position: number): number {
  const page = pages[Math.floor(position / pageTokens)];
  if (!page) throw new RangeError(`no page for position ${position}`);
  return page.page * pageTokens + (position % pageTokens);
}
