import type { Gpu } from "@longtab/gpu";
import { mapForReading } from "@longtab/gpu";
import type { PageLists } from "../lists.ts";
import type { PageForm } from "../page.ts";
import { FreePages } from "../pool.ts";
import type { AwayPages, LayerTable } from "../pool.ts";
import type { GpuPagePool } from "../webgpu/pool.ts";
import { recordBytes, stubBytes, stubsInRecord } from "../webgpu/storage.ts";
import { PageMoves } from "./moves.ts";
import type { OutsidePages } from "./outside.ts";

export { OutsidePages } from "./outside.ts";
export { GpuLooks } from "./webgpu-looks.ts";

// MAP_READ | COPY_DST, and COPY_SRC | COPY_DST, by number: this module is also loaded where there is no WebGPU.
const readUsage = 0x01 | 0x08;
const copyUsage = 0x04 | 0x08;

/** A page that leaves with the next flush. */
interface Leaving {
  layer: number;
  page: number;
  stub: number;
  /** Where its bytes are among those of all that leave. */
  place: number;
  bytes: number;
}

/**
 * Pages of a GPU's pool that are away. A stub is the beginning of a page's record: its boxes, and what they are in. Stubs lie in pages of the
 * pool, several in the place of a record (shaders/select_score.wgsl).
 */
export class GpuAwayPages implements AwayPages {
  readonly #gpu: Gpu;
  readonly #pool: GpuPagePool;
  readonly #outside: OutsidePages;
  /** By layer. */
  readonly #stubs: FreePages[];
  /** What the outside calls a page, by its stub. */
  readonly #numbers: Map<number, number>[];
  #leaving: Leaving[] = [];
  #leavingBytes = 0;
  /** What the pages that leave hold, when it has come from the GPU. */
  #left: { promise: Promise<ArrayBuffer | undefined>; resolve: (bytes: ArrayBuffer | undefined) => void } | undefined;

  constructor(gpu: Gpu, pool: GpuPagePool, outside: OutsidePages) {
    this.#gpu = gpu;
    this.#pool = pool;
    this.#outside = outside;
    this.#stubs = Array.from({ length: pool.shape.layers }, () => new FreePages());
    this.#numbers = this.#stubs.map(() => new Map<number, number>());
  }

  createMoves(lists: PageLists<LayerTable>, every: number): PageMoves {
    return new PageMoves(this.#pool, this, lists, every);
  }

  hasRoom(layer: number): boolean {
    const { used, count } = this.#at(layer);
    return used < count && this.#outside.room;
  }

  /** Bytes held elsewhere. */
  get outside(): { memory: number; disk: number } {
    return this.#outside.bytes;
  }

  roomComes(): Promise<boolean> {
    return this.#outside.roomComes();
  }

  async reserve(stubs: number): Promise<void> {
    for (const [layer, free] of this.#stubs.entries()) {
      const inRecord = stubsInRecord(this.#pool.shape, this.#pool.storage(layer));
      const missing = Math.ceil((free.used + stubs - free.count) / inRecord);
      if (missing <= 0) continue;
      const pages = await this.#pool.takeStubPages(layer, missing);
      free.add(pages.flatMap((page) => Array.from({ length: inRecord }, (_, place) => page * inRecord + place)));
    }
  }

  leave(layer: number, page: number): number {
    const stub = this.#at(layer).allocate();
    const bytes = this.#recordBytes(layer);
    const place = this.#leavingBytes;
    this.#leaving.push({ layer, page, stub, place, bytes });
    this.#leavingBytes += bytes;
    this.#left ??= deferred();
    const left = this.#left.promise.then((all) => all && new Uint8Array(all, place, bytes));
    this.#numbers[layer]?.set(stub, this.#outside.add(left));
    return stub;
  }

  flush(): void {
    const leaving = this.#leaving.splice(0);
    const size = this.#leavingBytes;
    const left = this.#left;
    this.#leavingBytes = 0;
    this.#left = undefined;
    if (!left || leaving.length === 0) return;
    const passage = this.#gpu.createBuffer("pages that leave", size, copyUsage);
    const staging = this.#gpu.createBuffer("pages that left", size, readUsage);
    const encoder = this.#gpu.device.createCommandEncoder();
    // A buffer is not copied to itself: by way of another.
    for (const { layer, page, place, bytes } of leaving)
      encoder.copyBufferToBuffer(this.#pool.records(layer), page * bytes, passage, place, bytes);
    for (const { layer, stub, place } of leaving) {
      const bytes = stubBytes(this.#pool.shape, this.#pool.storage(layer));
      encoder.copyBufferToBuffer(passage, place, this.#pool.records(layer), this.#placeOf(layer, stub), bytes);
    }
    encoder.copyBufferToBuffer(passage, 0, staging, 0, size);
    this.#gpu.device.queue.submit([encoder.finish()]);
    void mapForReading(staging, size)
      .then(
        () => left.resolve(staging.getMappedRange(0, size).slice(0)),
        () => left.resolve(undefined),
      )
      .finally(() => {
        this.#gpu.destroyBuffer(passage);
        this.#gpu.destroyBuffer(staging);
      });
  }

  retain(layer: number, stub: number): void {
    this.#at(layer).retain(stub);
  }

  release(layer: number, stub: number): void {
    const stubs = this.#at(layer);
    if (!stubs.shared(stub)) {
      this.#outside.release(this.#number(layer, stub));
      this.#numbers[layer]?.delete(stub);
    }
    stubs.release(stub);
  }

  read(layer: number, stub: number): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#outside.read(this.#number(layer, stub), this.#recordBytes(layer));
  }

  fill(layer: number, page: number, _form: PageForm, bytes: Uint8Array<ArrayBuffer>): void {
    this.#gpu.device.queue.writeBuffer(this.#pool.records(layer), page * bytes.length, bytes);
  }

  dispose(): void {
    this.#outside.dispose();
  }

  /** Byte of the records at which a stub begins. */
  #placeOf(layer: number, stub: number): number {
    const { shape } = this.#pool;
    const storage = this.#pool.storage(layer);
    const inRecord = stubsInRecord(shape, storage);
    return Math.floor(stub / inRecord) * recordBytes(shape, storage) + (stub % inRecord) * stubBytes(shape, storage);
  }

  #recordBytes(layer: number): number {
    return recordBytes(this.#pool.shape, this.#pool.storage(layer));
  }

  #at(layer: number): FreePages {
    const stubs = this.#stubs[layer];
    if (!stubs) throw new RangeError(`no layer ${layer}`);
    return stubs;
  }

  #number(layer: number, stub: number): number {
    return this.#numbers[layer]?.get(stub) ?? NaN;
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
