import { LongtabError } from "@longtab/errors";
import { FIRST_WINDOW_BYTES, MAX_HEADER_BYTES, MAX_WINDOW_BYTES } from "./limits.ts";
import { malformed, overLimit } from "./refusal.ts";
import type { ByteSource } from "./source.ts";

/**
 * Reads a file's header from front to back through a window of it: 64 KiB first, doubling to 4 MiB. Numbers are little-endian.
 * Nothing is read or allocated before the file is known to hold it.
 */
export class HeaderReader {
  /** What is being read now, for messages: "metadata key general.name". */
  place = "its header";
  readonly #source: ByteSource;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #window = new Uint8Array();
  #view = new DataView(this.#window.buffer);
  /** Where in the file the window starts, and where in the window the next byte is. */
  #start = 0;
  #cursor = 0;
  #windowBytes = FIRST_WINDOW_BYTES;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Bytes from the start of the file. */
  get position(): number {
    return this.#start + this.#cursor;
  }

  /**
   * Checks that `count` things of at least `each` bytes can follow.
   * @throws LongtabError `file-truncated` when the file ends before, `file-limit` when the header would be too large.
   */
  expect(count: number, each: number): void {
    const end = this.position + count * each;
    if (end > this.#source.size) throw this.#truncated(end);
    if (end > MAX_HEADER_BYTES) {
      throw overLimit(`The header is too large: it goes on in ${this.place}`, end, MAX_HEADER_BYTES);
    }
  }

  /** The next `length` bytes, at most 4 MiB, as a view and the place in it; the cursor moves past them. Valid until the next read. */
  async take(length: number): Promise<{ view: DataView; at: number }> {
    if (this.#buffered < length) await this.#slide(length);
    const at = this.#cursor;
    this.#cursor += length;
    return { view: this.#view, at };
  }

  /** The next `length` bytes, or as many as the file still has, without moving past them. */
  async peek(length: number): Promise<Uint8Array> {
    const available = Math.min(length, this.#source.size - this.position);
    if (this.#buffered < available) await this.#slide(available);
    return this.#window.subarray(this.#cursor, this.#cursor + available);
  }

  async u32(): Promise<number> {
    const { view, at } = await this.take(4);
    return view.getUint32(at, true);
  }

  /** An unsigned 64-bit number; beyond 2^53 only nearly right, which every limit refuses anyway. */
  async u64(): Promise<number> {
    const { view, at } = await this.take(8);
    return u64At(view, at);
  }

  /** The next `length` bytes in a buffer of their own. */
  async bytes(length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (length > MAX_WINDOW_BYTES && length > this.#buffered) {
      this.expect(length, 1);
      const bytes = await this.#read(this.position, length);
      this.#moveTo(this.position + length);
      return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
    }
    const { at } = await this.take(length);
    return this.#window.slice(at, at + length);
  }

  /** A string: its length in 8 bytes, then that many bytes of UTF-8. */
  async string(limit: number): Promise<string> {
    const length = await this.u64();
    if (length > limit) throw overLimit(`A string is too long: ${this.place}`, `${length} bytes`, limit);
    this.expect(length, 1);
    if (length > MAX_WINDOW_BYTES) return this.#decode(await this.bytes(length));
    const { at } = await this.take(length);
    return this.#decode(this.#window.subarray(at, at + length));
  }

  /** A string that lies in the window as a whole, or undefined with nothing consumed. A vocabulary has 100,000 strings: awaiting each is what would cost. */
  bufferedString(): string | undefined {
    if (this.#buffered < 8) return undefined;
    const length = u64At(this.#view, this.#cursor);
    if (this.#buffered < 8 + length) return undefined;
    const at = this.#cursor + 8;
    this.#cursor = at + length;
    return this.#decode(this.#window.subarray(at, at + length));
  }

  get #buffered(): number {
    return this.#window.byteLength - this.#cursor;
  }

  /** Moves the window so that it starts at the cursor and holds `length` bytes or more. */
  async #slide(length: number): Promise<void> {
    this.expect(length, 1);
    const position = this.position;
    const bytes = Math.min(Math.max(this.#windowBytes, length), this.#source.size - position);
    this.#window = await this.#read(position, bytes);
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.byteLength);
    this.#start = position;
    this.#cursor = 0;
    this.#windowBytes = Math.min(2 * this.#windowBytes, MAX_WINDOW_BYTES);
  }

  #moveTo(position: number): void {
    this.#window = new Uint8Array();
    this.#view = new DataView(this.#window.buffer);
    this.#start = position;
    this.#cursor = 0;
  }

  async #read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#source.read(offset, length);
    if (bytes.byteLength !== length) {
      throw new LongtabError({
        code: "source-changed",
        what: `The file gave ${bytes.byteLength} of the ${length} bytes asked for at byte ${offset}`,
        remedy: "open it again",
      });
    }
    return bytes;
  }

  #decode(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes);
    } catch (cause) {
      throw malformed(`A string is not valid UTF-8: ${this.place}`, undefined, cause);
    }
  }

  #truncated(end: number): LongtabError {
    return new LongtabError({
      code: "file-truncated",
      what: `The file ends inside ${this.place}, which needs at least ${end} bytes`,
      value: `${this.#source.size} bytes`,
      remedy: "download the file again",
    });
  }
}

function u64At(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
