import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { checkRange } from "./blob-source.ts";
import type { ByteSource } from "./source.ts";

/** A file on disk as a ByteSource, for the command line and tests. */
export class FileSource implements ByteSource {
  readonly size: number;
  #handle: FileHandle;

  /** @throws what the file system says, or that it is not a file: a folder opens, and nothing can be read of it. */
  static async open(path: string): Promise<FileSource> {
    const handle = await open(path);
    const facts = await handle.stat();
    if (facts.isDirectory()) {
      await handle.close();
      throw new Error("it is a folder");
    }
    return new FileSource(handle, facts.size);
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
