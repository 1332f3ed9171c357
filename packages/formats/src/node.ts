import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { checkRange } from "./blob-source.ts";
import type { ByteSource } from "./source.ts";

/** A file on disk as a ByteSource, for the command line and tests. */
export class FileSource implements ByteSource {
  readonly size: number;
  #handle: FileHandle;

  static async open(path: string): Promise<FileSource> {
    const handle = await open(path);
    const { size } = await handle.stat();
    return new FileSource(handle, size);
  }

  private constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this.size, offset, length);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw new RangeError(`the file shrank while it was read (at ${offset + done})`);
      done += bytesRead;
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
