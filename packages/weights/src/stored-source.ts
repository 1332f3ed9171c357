import { LongtabError } from "@longtab/errors";
import { release } from "@longtab/formats";
import { delay } from "./abort.ts";
import type { StoredSource } from "./contract.ts";
import type { WeightDatabase } from "./database.ts";
import type { ModelRecord } from "./record.ts";
import type { RetryPolicy } from "./download.ts";
import { openFile } from "./http.ts";
import { sha256 } from "./sha256.ts";

/** A reader waits meanwhile, so not for long. */
const REFETCH_TRIES = 3;

/**
 * A stored model as a ByteSource. Memory: one chunk and the bytes asked for, whatever the caller does; reads are therefore answered
 * one after the other, and what they return is a copy.
 */
export class ChunkedSource implements StoredSource {
  readonly id: string;
  readonly size: number;
  readonly sha256: string | undefined;
  readonly #record: ModelRecord;
  readonly #database: WeightDatabase;
  readonly #retry: RetryPolicy;
  /** Chunks whose hash this source has checked: once each. */
  readonly #sound = new Set<number>();
  #cached: { index: number; bytes: Uint8Array<ArrayBuffer> } | undefined;
  #queue: Promise<void> = Promise.resolve();

  constructor(record: ModelRecord, database: WeightDatabase, retry: RetryPolicy) {
    this.id = record.id;
    this.size = record.size;
    this.sha256 = record.sha256;
    this.#record = record;
    this.#database = database;
    this.#retry = retry;
  }

  /** @throws `file-truncated` beyond the end, `storage-damaged`, `model-not-found` when deleted meanwhile */
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const result = this.#queue.then(async () => this.#read(offset, length));
    // Without the value: the queue must not keep the last read's bytes alive.
    this.#queue = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async #read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || offset + length > this.size) {
      throw new LongtabError({
        code: "file-truncated",
        what: `${this.#record.name} has no bytes ${offset} to ${offset + length}`,
        value: offset + length,
        limit: this.size,
      });
    }
    const { chunkBytes } = this.#record;
    const result = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const chunk = await this.#chunk(Math.floor((offset + done) / chunkBytes));
      const start = (offset + done) % chunkBytes;
      const part = chunk.subarray(start, start + length - done);
      result.set(part, done);
      done += part.length;
    }
    return result;
  }

  async #chunk(index: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#cached?.index === index) return this.#cached.bytes;
    if (this.#cached !== undefined) release(this.#cached.bytes);
    this.#cached = undefined;
    let bytes = await this.#database.chunk(this.#record.key, index);
    if (bytes === undefined || !(await this.#isSound(index, bytes))) bytes = await this.#fetchAgain(index);
    this.#sound.add(index);
    this.#cached = { index, bytes };
    return bytes;
  }

  async #isSound(index: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    if (bytes.length !== this.#lengthOf(index)) return false;
    return this.#sound.has(index) || (await sha256(bytes)) === this.#record.chunks[index];
  }

  /** A chunk that the disk lost or changed, from where it came; its hash says whether it is the same again. */
  async #fetchAgain(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const manifest = await this.#database.record("manifest", this.id);
    if (manifest?.key !== this.#record.key) {
      throw new LongtabError({
        code: "model-not-found",
        what: `${this.#record.name} was deleted while it was read`,
        remedy: "load it again",
      });
    }
    let failure: LongtabError | undefined;
    for (let attempt = 0; attempt < REFETCH_TRIES; attempt += 1) {
      if (attempt > 0) await delay(this.#retry.firstDelayMs * 2 ** attempt, undefined);
      failure = undefined;
      for (const url of this.#record.urls) {
        try {
          const bytes = await this.#download(url, index);
          if (bytes === undefined) continue;
          await this.#mend(index, bytes);
          return bytes;
        } catch (error) {
          failure = LongtabError.from(error);
        }
      }
      if (!isPassing(failure)) break;
    }
    throw await this.#damaged(index, failure);
  }

  /** Where there is no room the chunk is fetched once more when it is next opened. */
  async #mend(index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.#database.replaceChunk(this.#record, index, bytes);
    } catch (error) {
      const { code } = LongtabError.from(error);
      if (code !== "quota-exceeded" && code !== "storage-unavailable") throw error;
    }
  }

  /** The chunk's bytes, or undefined where the URL has others by now. */
  async #download(url: string, index: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const start = index * this.#record.chunkBytes;
    const bytes = new Uint8Array(this.#lengthOf(index));
    const response = await openFile(url, start, start + bytes.length, { stallMs: this.#retry.stallMs });
    try {
      if (response.total !== this.size) return undefined;
      let filled = 0;
      for await (const piece of response.pieces) {
        bytes.set(piece, filled);
        filled += piece.length;
      }
    } finally {
      response.close();
    }
    return (await sha256(bytes)) === this.#record.chunks[index] ? bytes : undefined;
  }

  /** Where the network failed the model stays as it is, for a better moment; otherwise the next load goes on before the damage. */
  async #damaged(index: number, cause: LongtabError | undefined): Promise<LongtabError> {
    const later = isPassing(cause);
    if (!later) await this.#database.demote(this.#record, index);
    const again = this.#record.urls.length > 0 ? "load it again" : "choose the file again";
    return new LongtabError({
      code: "storage-damaged",
      what: `Chunk ${index + 1} of ${this.#record.chunks.length} of ${this.#record.name} was damaged in the browser's storage and could not be fetched again`,
      remedy: later ? "connect to the network and try again" : `${again}: what is sound is kept`,
      cause,
    });
  }

  #lengthOf(index: number): number {
    return Math.min(this.#record.chunkBytes, this.size - index * this.#record.chunkBytes);
  }
}

/** A failure of the network, which another moment may mend. */
function isPassing(error: LongtabError | undefined): boolean {
  return error?.code === "network-failed" || error?.code === "offline";
}
