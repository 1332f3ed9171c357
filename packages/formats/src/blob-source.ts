import { LongtabError } from "@longtab/errors";
import type { ByteSource } from "./source.ts";

/**
 * Refuses a read that leaves the source, for every ByteSource to call first.
 * @throws LongtabError `file-truncated`.
 */
export function checkRange(size: number, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= size) return;
  throw new LongtabError({
    code: "file-truncated",
    what: `The file has no bytes ${offset} to ${offset + length}`,
    value: `${size} bytes`,
    remedy: "download the file again",
  });
}

/** The bytes of a File that the user chose, or of any Blob; only what is read is brought into memory. */
export class BlobSource implements ByteSource {
  readonly size: number;
  readonly #blob: Blob;

  constructor(blob: Blob) {
    this.size = blob.size;
    this.#blob = blob;
  }

  /** @throws LongtabError `source-changed` when the browser can no longer read the file: it was changed, moved or removed. */
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this.size, offset, length);
    try {
      return new Uint8Array(await this.#blob.slice(offset, offset + length).arrayBuffer());
    } catch (cause) {
      throw new LongtabError({
        code: "source-changed",
        what: "The file can no longer be read: it was changed, moved or removed",
        remedy: "choose it again",
        cause,
      });
    }
  }
}

/** Bytes that are in memory already. Reads are copies, so that who keeps one does not keep the whole. */
export class BytesSource implements ByteSource {
  readonly size: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.size = bytes.byteLength;
    this.#bytes = bytes;
  }

  // Async so that a range out of bounds rejects, as with every other source.
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this.size, offset, length);
    return this.#bytes.slice(offset, offset + length);
  }
}
