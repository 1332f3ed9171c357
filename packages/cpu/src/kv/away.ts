import { FreePages } from "@longtab/attention";
import type { AwayPages, CacheShape, LayerTable, PageForm, PageLists, PagePool } from "@longtab/attention";
import { PageMoves } from "@longtab/attention/away";
import type { OutsidePages } from "@longtab/attention/away";
import type { Heap } from "../heap.ts";
import { completeBytes, rangesOffset, stubBytes } from "./page.ts";
import type { PageKind } from "./page.ts";

/** Stubs that their memory grows by at least. */
const blockStubs = 1024;

/** The pool that pages leave. */
interface ResidentPages extends PagePool {
  readonly kinds: readonly PageKind[];
  page(layer: number, page: number, form: PageForm): Uint8Array<ArrayBuffer>;
}

/** Pages that are away, and their stubs in WASM memory: the ranges of their keys. A stub's number is its address divided by its size. */
export class CpuAwayPages implements AwayPages {
  readonly #heap: Heap;
  readonly #shape: CacheShape;
  readonly #most: number;
  readonly #outside: OutsidePages;
  readonly #resident: ResidentPages;
  readonly #stubs = new FreePages();
  readonly #bytes: number;
  /** What the outside calls a page, by its stub. */
  readonly #numbers = new Map<number, number>();
  #blocks: number[] = [];

  /** `most`: stubs at once. */
  constructor(heap: Heap, shape: CacheShape, most: number, outside: OutsidePages, resident: ResidentPages) {
    this.#heap = heap;
    this.#shape = shape;
    this.#most = most;
    this.#outside = outside;
    this.#resident = resident;
    this.#bytes = stubBytes(shape);
  }

  createMoves(lists: PageLists<LayerTable>, every: number): PageMoves {
    return new PageMoves(this.#resident, this, lists, every);
  }

  hasRoom(): boolean {
    return this.#stubs.used < Math.min(this.#most, this.#stubs.count) && this.#outside.room;
  }

  /** Bytes of WASM memory allocated now. */
  get bytes(): number {
    return this.#stubs.count * this.#bytes;
  }

  /** Bytes held elsewhere. */
  get outside(): { memory: number; disk: number } {
    return this.#outside.bytes;
  }

  roomComes(): Promise<boolean> {
    return this.#outside.roomComes();
  }

  async reserve(stubs: number): Promise<void> {
    const { used, count } = this.#stubs;
    const missing = Math.min(used + stubs * this.#shape.layers, this.#most) - count;
    if (missing <= 0) return;
    const length = Math.min(Math.max(missing, blockStubs), this.#most - count);
    const block = this.#heap.allocate(length * this.#bytes, this.#bytes);
    this.#blocks.push(block);
    const first = block / this.#bytes;
    this.#stubs.add(Array.from({ length }, (_, index) => first + index));
  }

  leave(layer: number, page: number, form: PageForm): number {
    const bytes = this.#resident.page(layer, page, form);
    const stub = this.#stubs.allocate();
    const from = rangesOffset(this.#shape, this.#kindOf(layer), form);
    this.#heap.u8(stub * this.#bytes, this.#bytes).set(bytes.subarray(from, from + this.#bytes));
    this.#numbers.set(stub, this.#outside.add(bytes));
    return stub;
  }

  /** Nothing is left to do: bytes were copied. */
  flush(): void {}

  retain(_layer: number, stub: number): void {
    this.#stubs.retain(stub);
  }

  release(_layer: number, stub: number): void {
    if (!this.#stubs.shared(stub)) {
      this.#outside.release(this.#number(stub));
      this.#numbers.delete(stub);
    }
    this.#stubs.release(stub);
  }

  read(layer: number, stub: number): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#outside.read(this.#number(stub), completeBytes(this.#shape, this.#kindOf(layer)));
  }

  fill(layer: number, page: number, form: PageForm, bytes: Uint8Array<ArrayBuffer>): void {
    this.#resident.page(layer, page, form).set(bytes);
  }

  /** Gives back what is outside; nothing can come back any more. */
  forget(): void {
    this.#outside.dispose();
  }

  dispose(): void {
    for (const block of this.#blocks.splice(0)) this.#heap.free(block);
    this.forget();
  }

  #kindOf(layer: number): PageKind {
    const kind = this.#resident.kinds[layer];
    if (!kind) throw new RangeError(`no layer ${layer}`);
    return kind;
  }

  #number(stub: number): number {
    return this.#numbers.get(stub) ?? NaN;
  }
}
