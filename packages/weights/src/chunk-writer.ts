import { LongtabError, isLongtabError } from "@longtab/errors";
import type { WeightDatabase } from "./database.ts";
import type { ModelRecord } from "./record.ts";
import { estimateStorage, quotaExceeded } from "./quota.ts";
import { type IncrementalSha256, sha256 } from "./sha256.ts";

/**
 * Cuts a stream into chunks and stores each with its hash. One chunk's buffer is all it holds, whatever the size of the file;
 * while a chunk is being stored the caller waits, and the network with it.
 */
export class ChunkWriter {
  readonly record: ModelRecord;
  readonly #database: WeightDatabase;
  readonly #whole: IncrementalSha256 | undefined;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  #filled = 0;
  #index: number;

  /** Goes on after the chunks that `record` lists; `whole` has seen their bytes already. */
  constructor(database: WeightDatabase, record: ModelRecord, whole: IncrementalSha256 | undefined) {
    this.record = record;
    this.#database = database;
    this.#whole = whole;
    this.#index = record.chunks.length;
    this.#buffer = new Uint8Array(Math.min(record.chunkBytes, record.size));
  }

  /** Bytes taken so far, those of earlier sessions included. */
  get offset(): number {
    return Math.min(this.#index * this.record.chunkBytes + this.#filled, this.record.size);
  }

  get full(): boolean {
    return this.offset === this.record.size;
  }

  /** @throws `quota-exceeded`, `storage-unavailable`, `aborted`; what was stored before stays */
  async push(bytes: Uint8Array): Promise<void> {
    this.#whole?.update(bytes);
    let taken = 0;
    while (taken < bytes.length) {
      const piece = bytes.subarray(taken, taken + this.#buffer.length - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      taken += piece.length;
      if (this.#filled === this.#buffer.length || this.full) await this.#store();
    }
  }

  /** Checks the whole file and makes it a stored model. @throws `checksum-mismatch`, and then nothing of the file is kept */
  async finish(): Promise<ModelRecord> {
    const { record } = this;
    const found = this.#whole?.finish();
    if (found !== undefined && found !== record.sha256) {
      await this.#database.delete(record.id, ["partial"]);
      throw new LongtabError({
        code: "checksum-mismatch",
        what: `${record.name} is not the file that was announced: its SHA-256 differs`,
        value: found,
        limit: record.sha256 ?? "",
        remedy: "load again; if that does not help, the file was damaged or replaced at its source",
      });
    }
    await this.#database.complete(record);
    return record;
  }

  async #store(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#filled);
    const hash = await sha256(bytes);
    try {
      await this.#database.addChunk(this.record, this.#index, bytes, hash);
    } catch (error) {
      throw isLongtabError(error) && error.code === "quota-exceeded" ? await this.#roomError(error) : error;
    }
    this.record.chunks[this.#index] = hash;
    this.#index += 1;
    this.#filled = 0;
  }

  /** The disk filled up on the way: say by how much. */
  async #roomError(cause: LongtabError): Promise<LongtabError> {
    const { usage, quota } = await estimateStorage();
    const missing = this.record.size - this.#index * this.record.chunkBytes;
    return quotaExceeded(this.record.name, missing, Math.max(0, quota - usage), cause);
  }
}
