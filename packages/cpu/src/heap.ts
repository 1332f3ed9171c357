import { LongtabError } from "@longtab/errors";

/** WebAssembly's unit of memory. */
const wasmPage = 65536;
/** A memory of 32-bit addresses; the last page stays free, so that no end of a region is 2^32. */
const largestMemory = 65535 * wasmPage;
/** The start of memory belongs to the kernels' job block (assembly/team.ts). */
const reserved = 1024;

interface Region {
  start: number;
  end: number;
}

/**
 * Regions of one WebAssembly memory: the first free gap that is large enough, and growth where none is. Pointers are byte addresses.
 * Views are made fresh for every use, because growing replaces the buffer.
 */
export class Heap {
  readonly memory: WebAssembly.Memory;
  /** Most bytes that it may grow to. */
  readonly limit: number;
  /** In order of address, apart from one another by at least a byte. */
  #free: Region[] = [];
  #taken = new Map<number, number>();
  #end: number;

  /** `limit`: bytes; shared memory reserves address space for them at once. Throws `out-of-memory`. */
  constructor(limit: number, shared: boolean) {
    this.limit = Math.min(Math.ceil(limit / wasmPage) * wasmPage, largestMemory);
    try {
      this.memory = new WebAssembly.Memory({ initial: 1, maximum: this.limit / wasmPage, shared });
    } catch (cause) {
      throw outOfMemory(limit, 0, cause);
    }
    this.#end = this.memory.buffer.byteLength;
    this.#free = [{ start: reserved, end: this.#end }];
  }

  /** Bytes that the memory has grown to. */
  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** The address of `bytes` bytes, a multiple of `alignment` (need not be a power of two). Contents are undefined. Throws `out-of-memory`. */
  allocate(bytes: number, alignment = 64): number {
    const size = Math.max(1, bytes);
    const fits = ({ start, end }: Region): boolean => aligned(start, alignment) + size <= end;
    let gap = this.#free.find(fits);
    if (!gap) {
      const last = this.#free.at(-1);
      const from = last?.end === this.#end ? last.start : this.#end;
      this.#grow(aligned(from, alignment) + size - this.#end);
      gap = this.#free.at(-1);
    }
    if (!gap || !fits(gap)) throw outOfMemory(size, this.bytes);
    const start = aligned(gap.start, alignment);
    const rest = [
      { start: gap.start, end: start },
      { start: start + size, end: gap.end },
    ].filter(({ start: from, end }) => from < end);
    this.#free.splice(this.#free.indexOf(gap), 1, ...rest);
    this.#taken.set(start, size);
    return start;
  }

  free(pointer: number): void {
    const size = this.#taken.get(pointer);
    if (size === undefined) throw new RangeError(`nothing was allocated at ${pointer}`);
    this.#taken.delete(pointer);
    this.#release({ start: pointer, end: pointer + size });
  }

  u8(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer, pointer, length);
  }

  u32(pointer: number, length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.memory.buffer, pointer, length);
  }

  i32(pointer: number, length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.memory.buffer, pointer, length);
  }

  f32(pointer: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.memory.buffer, pointer, length);
  }

  #grow(bytes: number): void {
    const pages = Math.ceil(bytes / wasmPage);
    if (this.#end + pages * wasmPage > this.limit) throw outOfMemory(bytes, this.bytes);
    try {
      this.memory.grow(pages);
    } catch (cause) {
      throw outOfMemory(bytes, this.bytes, cause);
    }
    this.#release({ start: this.#end, end: this.#end + pages * wasmPage });
    this.#end += pages * wasmPage;
  }

  #release(region: Region): void {
    const at = this.#free.findIndex(({ start }) => start > region.start);
    const index = at < 0 ? this.#free.length : at;
    const [before, after] = [this.#free[index - 1], this.#free[index]];
    const merged = { ...region };
    let first = index;
    let count = 0;
    if (before && before.end === merged.start) {
      merged.start = before.start;
      first--;
      count++;
    }
    if (after && after.start === merged.end) {
      merged.end = after.end;
      count++;
    }
    this.#free.splice(first, count, merged);
  }
}

function aligned(address: number, alignment: number): number {
  return Math.ceil(address / alignment) * alignment;
}

function outOfMemory(bytes: number, held: number, cause?: unknown): LongtabError {
  return new LongtabError({
    code: "out-of-memory",
    what: "The browser gives this page no more memory for the model",
    value: held + bytes,
    limit: held,
    remedy: "close other tabs, or choose a smaller model or a shorter context",
    cause,
  });
}
