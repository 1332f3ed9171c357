import { isLongtabError } from "@longtab/errors";
import { release } from "@longtab/formats";
import { createStore, del, get, keys, set } from "idb-keyval";
import {
  type StorageEstimate,
  type StoredModel,
  type StoredSource,
  WeightStore,
  type WeightStoreOptions,
  type WeightsProgress,
  type WeightsRequest,
} from "../src/index.ts";

export interface Failure {
  code: string;
  message: string;
}

/** What came of a load, as plain data. */
export interface Outcome {
  error?: Failure;
  id?: string;
  size?: number;
  sha256?: string | undefined;
  progress: WeightsProgress[];
}

export interface ReadResult {
  sha256?: string;
  error?: Failure;
}

/** The page that the browser tests drive: packages/weights as an app meets it, with plain data in and out. */
class WeightsPage {
  progress: WeightsProgress[] = [];
  /** The database behind the back of the store. */
  readonly #raw = createStore("longtab-weights", "weights");
  #abort = new AbortController();
  #outcome: Promise<Outcome> = Promise.resolve({ progress: [] });
  #source: StoredSource | undefined;

  begin(options: WeightStoreOptions, what: WeightsRequest | File): void {
    const progress: WeightsProgress[] = [];
    this.progress = progress;
    this.#abort = new AbortController();
    const callbacks = { signal: this.#abort.signal, onProgress: (report: WeightsProgress) => progress.push(report) };
    this.#outcome = this.#settle(progress, async () => {
      const store = await WeightStore.open(options);
      return what instanceof File ? store.importFile(what, callbacks) : store.fetch(what, callbacks);
    });
  }

  async outcome(): Promise<Outcome> {
    return this.#outcome;
  }

  abort(): void {
    this.#abort.abort();
  }

  async load(options: WeightStoreOptions, what: WeightsRequest | File): Promise<Outcome> {
    this.begin(options, what);
    return this.outcome();
  }

  async open(options: WeightStoreOptions, id: string): Promise<Outcome> {
    return this.#settle([], async () => (await WeightStore.open(options)).openStored(id));
  }

  async list(options: WeightStoreOptions): Promise<StoredModel[]> {
    return (await WeightStore.open(options)).list();
  }

  async delete(options: WeightStoreOptions, id: string): Promise<void> {
    await (await WeightStore.open(options)).delete(id);
  }

  async estimate(options: WeightStoreOptions): Promise<StorageEstimate> {
    return (await WeightStore.open(options)).estimate();
  }

  /** SHA-256 of `length` bytes from `offset`, in reads of `step` bytes. */
  async digest({ offset = 0, length = this.#opened().size, step = 100_000 }): Promise<ReadResult> {
    try {
      const all = new Uint8Array(length > 0 ? length : 0);
      for (let done = 0; done < all.length; done += step) {
        all.set(await this.#opened().read(offset + done, Math.min(step, length - done)), done);
      }
      // Lengths that no array has are the source's to refuse.
      if (all.length === 0) await this.#opened().read(offset, length);
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
      return { sha256: Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") };
    } catch (error) {
      return { error: describe(error) };
    }
  }

  /**
   * Reads the model in order, as an upload to the GPU does that releases what it has handed on; `between` runs after every read.
   * Milliseconds of the reads alone.
   */
  async stream(step: number, between: () => Promise<unknown>): Promise<number> {
    const source = this.#opened();
    let milliseconds = 0;
    for (let offset = 0; offset < source.size; offset += step) {
      const begun = performance.now();
      const bytes = await source.read(offset, Math.min(step, source.size - offset));
      milliseconds += performance.now() - begun;
      await between();
      release(bytes);
    }
    return milliseconds;
  }

  /** What a failing disk does to a stored chunk of the only model. */
  async damageChunk(index: number, how: "change" | "delete" | "cut"): Promise<void> {
    const key = (await this.storedKeys()).find(
      (candidate) => Array.isArray(candidate) && candidate[0] === "chunk" && candidate[2] === index,
    );
    if (key === undefined) throw new Error(`no chunk ${index}`);
    if (how === "delete") return del(key, this.#raw);
    const bytes = new Uint8Array(await ((await get<Blob>(key, this.#raw)) ?? new Blob()).arrayBuffer());
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    return set(key, new Blob([how === "cut" ? bytes.subarray(0, 5000) : bytes]), this.#raw);
  }

  async storedKeys(): Promise<IDBValidKey[]> {
    return keys(this.#raw);
  }

  async #settle(progress: WeightsProgress[], load: () => Promise<StoredSource>): Promise<Outcome> {
    try {
      this.#source = await load();
      return { id: this.#source.id, size: this.#source.size, sha256: this.#source.sha256, progress };
    } catch (error) {
      return { error: describe(error), progress };
    }
  }

  #opened(): StoredSource {
    if (this.#source === undefined) throw new Error("no model is loaded");
    return this.#source;
  }
}

function describe(error: unknown): Failure {
  return isLongtabError(error) ? { code: error.code, message: error.message } : { code: "untyped", message: String(error) };
}

declare global {
  interface Window {
    weights: WeightsPage;
  }
}

window.weights = new WeightsPage();
