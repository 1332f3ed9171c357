import type { SlabDisk } from "../src/index.ts";

/** Slabs in memory that are written and read as on a disk: not at once. */
export class SlowDisk implements SlabDisk {
  readonly limit: number;
  readonly slabs = new Map<number, Uint8Array<ArrayBuffer>>();
  /** Bytes of all slabs after which it refuses. */
  full = Infinity;
  /** Reads that are under way. */
  reading = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  async write(slab: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const copy = bytes.slice();
    await this.#wait();
    if ((this.slabs.size + 1) * bytes.length > this.full) return false;
    this.slabs.set(slab, copy);
    return true;
  }

  async read(slab: number, from: number, to: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.reading++;
    await this.#wait();
    this.reading--;
    return this.slabs.get(slab)?.slice(from, to);
  }

  delete(slab: number): void {
    this.slabs.delete(slab);
  }

  dispose(): void {
    this.slabs.clear();
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 0));
  }
}
