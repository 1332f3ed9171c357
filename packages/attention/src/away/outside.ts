import { slabPages } from "./places.ts";
import type { AwayPlaces, SlabDisk } from "./places.ts";

/** Share of the memory that is filled when the oldest pages begin to go on: what comes meanwhile has room. */
const goOn = 3 / 4;

/** Pages that left one after the other. */
interface Slab {
  /** While it is in memory. */
  bytes: Uint8Array<ArrayBuffer> | undefined;
  /** Pages that were put in, and those that somebody still needs. */
  pages: number;
  needed: number;
  /** Pages whose bytes are still to come. */
  coming: number;
  onDisk: boolean;
}

/**
 * What pages hold that are not in the pool: in memory, and where that fills up the oldest on a disk. It is written while nobody waits. What
 * the disk refuses stays in memory, and when that is full there is no `room`.
 */
export class OutsidePages {
  readonly #pageBytes: number;
  readonly #inSlab: number;
  readonly #memory: number;
  readonly #disk: SlabDisk | undefined;
  /** By number, in the order in which they began. */
  readonly #slabs = new Map<number, Slab>();
  /** Pages whose bytes are still to come. */
  readonly #coming = new Map<number, Promise<Uint8Array<ArrayBuffer> | undefined>>();
  #next = 0;
  /** Slabs that the disk has room for, as far as is known. */
  #diskSlabs: number;
  #onDisk = 0;
  #inMemory = 0;
  #writing: Promise<void> | undefined;
  #disposed = false;

  /** `pageBytes`: of the largest page; every page has a place of this size. */
  constructor(pageBytes: number, { memory, disk }: AwayPlaces) {
    this.#pageBytes = pageBytes;
    this.#inSlab = slabPages(pageBytes, memory);
    this.#memory = Math.floor(memory / (this.#inSlab * pageBytes));
    this.#disk = disk;
    this.#diskSlabs = disk ? Math.floor(disk.limit / (this.#inSlab * pageBytes)) : 0;
  }

  /** Whether there is room for another page. */
  get room(): boolean {
    const last = this.#slabs.get(this.#next - 1);
    if (last?.bytes && last.pages < this.#inSlab) return true;
    // What is being written is in memory still; a disk that cannot keep up ends that.
    return this.#slabs.size < this.#memory + this.#diskSlabs && this.#inMemory < 2 * this.#memory;
  }

  /** Bytes held now. */
  get bytes(): { memory: number; disk: number } {
    const slab = this.#inSlab * this.#pageBytes;
    return { memory: this.#inMemory * slab, disk: this.#onDisk * slab };
  }

  /** Waits until another slab is written or refused; false where none is on its way. */
  async roomComes(): Promise<boolean> {
    if (!this.#writing && this.#onDisk < this.#diskSlabs) await Promise.all(this.#coming.values());
    if (!this.#writing) return false;
    await this.#writing;
    return true;
  }

  /** Settles when what there is to write is written, or was refused. */
  async written(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  /** Takes a copy of a page, where there is `room`, as soon as its bytes are there: its number here. */
  add(bytes: Uint8Array | Promise<Uint8Array | undefined>): number {
    let slab = this.#slabs.get(this.#next - 1);
    if (!slab?.bytes || slab.pages === this.#inSlab) {
      slab = { bytes: new Uint8Array(this.#inSlab * this.#pageBytes), pages: 0, needed: 0, coming: 0, onDisk: false };
      this.#slabs.set(this.#next++, slab);
      this.#inMemory++;
      this.#write();
    }
    const from = slab.pages * this.#pageBytes;
    const page = (this.#next - 1) * this.#inSlab + slab.pages++;
    slab.needed++;
    if (bytes instanceof Uint8Array) slab.bytes?.set(bytes, from);
    else this.#await(slab, page, from, bytes);
    return page;
  }

  /**
   * What was taken, of so many bytes: now where it is in memory, as a view that lasts as long as the page is needed; undefined where it cannot be
   * read any more.
   */
  read(page: number, length = this.#pageBytes): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer> | undefined> {
    const number = Math.floor(page / this.#inSlab);
    const from = (page % this.#inSlab) * this.#pageBytes;
    const coming = this.#coming.get(page);
    if (coming) return coming;
    const bytes = this.#slabs.get(number)?.bytes;
    if (bytes) return bytes.subarray(from, from + length);
    return this.#disk?.read(number, from, from + length) ?? Promise.resolve(undefined);
  }

  /** Nobody needs a page any more. */
  release(page: number): void {
    const number = Math.floor(page / this.#inSlab);
    const slab = this.#slabs.get(number);
    if (!slab || --slab.needed > 0) return;
    this.#slabs.delete(number);
    if (slab.bytes) this.#inMemory--;
    if (slab.onDisk) {
      this.#onDisk--;
      this.#disk?.delete(number);
      this.#write();
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#slabs.clear();
    this.#inMemory = 0;
    this.#onDisk = 0;
    this.#disk?.dispose();
  }

  #await(slab: Slab, page: number, from: number, bytes: Promise<Uint8Array | undefined>): void {
    slab.coming++;
    const read = bytes.then((came) => {
      this.#coming.delete(page);
      slab.coming--;
      // What never comes is read as nothing is.
      if (!came) return undefined;
      slab.bytes?.set(came, from);
      this.#write();
      return slab.bytes?.subarray(from, from + came.length);
    });
    this.#coming.set(page, read);
  }

  /** Writes the oldest slabs in memory, one after another, while memory fills up. */
  #write(): void {
    if (this.#writing || this.#inMemory <= this.#memory * goOn || this.#onDisk >= this.#diskSlabs) return;
    const [oldest] = [...this.#slabs].find(([number, { bytes, coming }]) => bytes && coming === 0 && number < this.#next - 1) ?? [];
    const slab = this.#slabs.get(oldest ?? NaN);
    if (oldest === undefined || !slab?.bytes || !this.#disk) return;
    this.#writing = this.#disk
      .write(oldest, slab.bytes)
      .catch(() => false)
      .then((written) => this.#wrote(oldest, slab, written));
  }

  #wrote(number: number, slab: Slab, written: boolean): void {
    this.#writing = undefined;
    if (this.#disposed) return;
    const needed = this.#slabs.get(number) === slab;
    if (!written) {
      // As much as there is now: room comes where some of that is given back.
      this.#diskSlabs = this.#onDisk;
      return;
    }
    if (needed) {
      slab.bytes = undefined;
      slab.onDisk = true;
      this.#inMemory--;
      this.#onDisk++;
    } else this.#disk?.delete(number);
    this.#write();
  }
}
