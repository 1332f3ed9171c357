import { LongtabError } from "@longtab/errors";
import { throwIfAborted } from "./abort.ts";
import type { StorageEstimate, StoredModel, StoredSource, WeightsOptions, WeightsRequest } from "./contract.ts";
import { WeightDatabase } from "./database.ts";
import { type RetryPolicy, download } from "./download.ts";
import { exclusively } from "./exclusive.ts";
import { LARGEST_FILE } from "./http.ts";
import { fingerprint, storeFile } from "./import-file.ts";
import { ProgressReporter } from "./progress.ts";
import { estimateStorage, persistStorage } from "./quota.ts";
import { type ModelRecord, describeRecord, weightsDatabase } from "./record.ts";
import { HUB_BASE } from "./reference.ts";
import { parseSha256 } from "./sha256.ts";
import { ChunkedSource } from "./stored-source.ts";

export interface WeightStoreOptions {
  /** Of the database; stores of other names hold other models. */
  name?: string;
  /** Of models stored from now on; those stored keep theirs. */
  chunkBytes?: number;
  /** The hub that states checksums through its API. */
  hubBase?: string;
  retry?: Partial<RetryPolicy>;
}

/** Large enough that a chunk's overhead does not count, small enough that a phone can hold one twice. */
const CHUNK_BYTES = 16 * 2 ** 20;
const LONGEST_ID = 2048;
const RETRY: RetryPolicy = { tries: 6, firstDelayMs: 500, stallMs: 30_000 };

/** The models kept in this browser. Everything it holds is on disk: several stores of one name, in several tabs, are one store. */
export class WeightStore {
  readonly #database: WeightDatabase;
  readonly #chunkBytes: number;
  readonly #hubBase: string;
  readonly #retry: RetryPolicy;

  private constructor(database: WeightDatabase, options: WeightStoreOptions) {
    this.#database = database;
    this.#chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
    this.#hubBase = options.hubBase ?? HUB_BASE;
    this.#retry = { ...RETRY, ...options.retry };
  }

  /** @throws `storage-unavailable` */
  static async open(options: WeightStoreOptions = {}): Promise<WeightStore> {
    return new WeightStore(await WeightDatabase.open(options.name ?? weightsDatabase), options);
  }

  /** Every model that is here, wholly or in part, the one used last first. */
  async list(): Promise<StoredModel[]> {
    const [manifests, partials] = await Promise.all([this.#database.records("manifest"), this.#database.records("partial")]);
    const complete = new Set(manifests.map(({ id }) => id));
    const models = [
      ...manifests.map((record) => describeRecord(record, true)),
      ...partials.filter(({ id }) => !complete.has(id)).map((record) => describeRecord(record, false)),
    ];
    return models.toSorted((a, b) => b.lastUsed - a.lastUsed);
  }

  /** Deletes what is stored of a model, if anything is; a load of it that is under way ends with `aborted`. */
  async delete(id: string): Promise<void> {
    await this.#database.delete(id);
  }

  /** What this site uses and may use. */
  async estimate(): Promise<StorageEstimate> {
    return estimateStorage();
  }

  /** Asks the browser not to evict stored models. Only a page can ask; in a worker this tells whether it was granted before. */
  async persist(): Promise<boolean> {
    return persistStorage();
  }

  /**
   * The model, from this browser if it is here, else from the request's URLs; a load that an earlier session left goes on.
   * @throws `invalid-option`, `model-not-found`, `network-failed`, `offline`, `source-changed`, `checksum-mismatch`, `file-limit`,
   * `quota-exceeded`, `storage-unavailable`, `aborted`; chunks that were stored stay, except after `checksum-mismatch`
   */
  async fetch(request: WeightsRequest, options: WeightsOptions = {}): Promise<StoredSource> {
    const checked = checkRequest(request);
    return this.#storedOr(checked, options, async (progress) =>
      download({
        request: checked,
        database: this.#database,
        chunkBytes: this.#chunkBytes,
        hubBase: this.#hubBase,
        retry: this.#retry,
        progress,
        signal: options.signal,
      }),
    );
  }

  /**
   * Stores a file that the person chose, so that it is here after a reload. The phases: "verify" reads it once, "download" stores it.
   * @throws `file-not-a-model`, `file-limit`, `source-changed`, `quota-exceeded`, `storage-unavailable`, `aborted`
   */
  async importFile(file: File, options: WeightsOptions = {}): Promise<StoredSource> {
    const load = { database: this.#database, chunkBytes: this.#chunkBytes, signal: options.signal };
    const progress = new ProgressReporter((report) => options.onProgress?.(report));
    const print = await fingerprint(file, { ...load, progress });
    return this.#storedOr(print, options, async (shared) => storeFile(file, print, { ...load, progress: shared }));
  }

  /** A model that is here as a whole, without the network. @throws `model-not-found` */
  async openStored(id: string): Promise<StoredSource> {
    const source = await this.#stored({ id });
    if (source === undefined)
      throw new LongtabError({
        code: "model-not-found",
        what: "The model is not stored in this browser",
        value: id,
        remedy: "load it first",
      });
    return source;
  }

  /** What is stored, or else what `load` stores, in one tab at a time. */
  async #storedOr(
    wanted: { id: string; sha256?: string },
    options: WeightsOptions,
    load: (progress: ProgressReporter) => Promise<ModelRecord>,
  ): Promise<StoredSource> {
    throwIfAborted(options.signal);
    const here = await this.#stored(wanted);
    if (here !== undefined) return here;
    return exclusively(`longtab-weights:${this.#database.name}:${wanted.id}`, options, async (share) => {
      // Another tab may have stored it while this one waited.
      return (await this.#stored(wanted)) ?? this.#source(await load(new ProgressReporter(share)));
    });
  }

  /** A stored model; one whose hash is not the wanted one is another version, which a load will replace. */
  async #stored({ id, sha256 }: { id: string; sha256?: string }): Promise<StoredSource | undefined> {
    const record = await this.#database.record("manifest", id);
    if (record === undefined || (sha256 !== undefined && sha256 !== record.sha256)) return undefined;
    // A full disk may refuse this note; the model can be used all the same.
    await this.#database.touch(id, Date.now()).catch(() => undefined);
    return this.#source(record);
  }

  #source(record: ModelRecord): StoredSource {
    return new ChunkedSource(record, this.#database, this.#retry);
  }
}

function checkRequest(request: WeightsRequest): WeightsRequest {
  const { id, size, sha256 } = request;
  if (id === "" || id.length > LONGEST_ID)
    throw new LongtabError({ code: "invalid-option", what: "A model's id has between 1 and 2048 characters", value: id.length });
  if (size !== undefined && !(Number.isSafeInteger(size) && size > 0 && size <= LARGEST_FILE)) {
    throw new LongtabError({ code: "invalid-option", what: "A model's size is a whole number of bytes", value: size, limit: LARGEST_FILE });
  }
  if (sha256 === undefined) return request;
  const checked = parseSha256(sha256);
  if (checked === undefined) throw new LongtabError({ code: "invalid-option", what: "A SHA-256 has 64 hexadecimal digits", value: sha256 });
  return { ...request, sha256: checked };
}
