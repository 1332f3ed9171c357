import type { ByteSource } from "@longtab/formats";

/** Pieces as one run of bytes; the last one that was read stays at hand, because sections are read in order. */
export class PieceSource implements ByteSource {
  readonly size: number;
  readonly #sizes: readonly number[];
  readonly #read: (index: number) => Promise<Uint8Array<ArrayBuffer>>;
  #last: { index: number; bytes: Uint8Array<ArrayBuffer> } | undefined;

  constructor(sizes: readonly number[], read: (index: number) => Promise<Uint8Array<ArrayBuffer>>) {
    this.#sizes = sizes;
    this.#read = read;
    this.size = sizes.reduce((sum, size) => sum + size, 0);
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const result = new Uint8Array(length);
    let start = 0;
    for (const [index, size] of this.#sizes.entries()) {
      const from = Math.max(offset, start);
      const to = Math.min(offset + length, start + size);
      if (from < to) {
        const bytes = await this.#piece(index);
        result.set(bytes.subarray(from - start, to - start), from - offset);
      }
      start += size;
    }
    return result;
  }

  async #piece(index: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#last?.index !== index) this.#last = { index, bytes: await this.#read(index) };
    return this.#last.bytes;
  }
}
