import { LongtabError, isLongtabError } from "@longtab/errors";
import { type UseStore, createStore, promisifyRequest } from "idb-keyval";
import type { ModelRecord } from "./record.ts";

type Kind = "partial" | "manifest";

/**
 * The one object store: records under ["partial" | "manifest", id], chunks under ["chunk", key, index]. Every change of both is one
 * transaction, so a closed tab leaves either the state before or the one after.
 *
 * Chunks are Blobs. Measured in Chromium 156 on two cores with six chunks of 16 MiB (median of several runs): Blobs read in 115-145 ms
 * and write in 530-590 ms, ArrayBuffers read in 260-310 ms and write in 680-850 ms.
 */
export class WeightDatabase {
  readonly name: string;
  readonly #store: UseStore;

  private constructor(name: string, store: UseStore) {
    this.name = name;
    this.#store = store;
  }

  /** @throws `storage-unavailable` where IndexedDB is missing or blocked */
  static async open(name: string): Promise<WeightDatabase> {
    try {
      const database = new WeightDatabase(name, createStore(name, "weights"));
      await database.record("manifest", "");
      return database;
    } catch (error) {
      throw storageError(error);
    }
  }

  async record(kind: Kind, id: string): Promise<ModelRecord | undefined> {
    return this.#run("readonly", async (store) => promisifyRequest<ModelRecord | undefined>(store.get([kind, id])));
  }

  async records(kind: Kind): Promise<ModelRecord[]> {
    return this.#run("readonly", async (store) => promisifyRequest<ModelRecord[]>(store.getAll(allUnder([kind]))));
  }

  /** Begins or resets a partial; chunks of an earlier one that it does not keep are deleted. */
  async putPartial(record: ModelRecord): Promise<void> {
    await this.#run("readwrite", async (store) => {
      const earlier = await promisifyRequest<ModelRecord | undefined>(store.get(["partial", record.id]));
      if (earlier !== undefined && earlier.key !== record.key) store.delete(allUnder(["chunk", earlier.key]));
      store.put(record, ["partial", record.id]);
      return promisifyRequest(store.transaction);
    });
  }

  /** Stores a chunk and notes it in its partial. @throws `aborted` where the partial is gone: deleted while it was loading */
  async addChunk({ id, key, name }: ModelRecord, index: number, bytes: Uint8Array<ArrayBuffer>, hash: string): Promise<void> {
    await this.#putChunk(key, index, bytes, async (store) => {
      const partial = await promisifyRequest<ModelRecord | undefined>(store.get(["partial", id]));
      if (partial?.key !== key) throw new LongtabError({ code: "aborted", what: `${name} was deleted while it was loading` });
      const chunks = [...partial.chunks];
      chunks[index] = hash;
      store.put({ ...partial, chunks }, ["partial", id]);
    });
  }

  /** Puts a chunk fetched again in a damaged one's place, unless the model has been deleted meanwhile. */
  async replaceChunk({ id, key }: ModelRecord, index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#putChunk(key, index, bytes, async (store) => {
      const manifest = await promisifyRequest<ModelRecord | undefined>(store.get(["manifest", id]));
      if (manifest?.key !== key) throw new LongtabError({ code: "model-not-found", what: `${id} was deleted while it was read` });
    });
  }

  /** The bytes of a chunk as they are stored; undefined where they are gone or unreadable. Their hash is the caller's to check. */
  async chunk(key: string, index: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const value = await this.#store("readonly", async (store) =>
        promisifyRequest<Blob | ArrayBuffer | undefined>(store.get(["chunk", key, index])),
      );
      if (value === undefined) return undefined;
      return new Uint8Array(value instanceof Blob ? await value.arrayBuffer() : value);
    } catch {
      // A value whose file on disk is gone or cut: the browser throws DataError, NotReadableError or UnknownError by version.
      return undefined;
    }
  }

  /** Turns the finished partial into a manifest, in place of an earlier one. */
  async complete(record: ModelRecord): Promise<void> {
    await this.#run("readwrite", async (store) => {
      const replaced = await promisifyRequest<ModelRecord | undefined>(store.get(["manifest", record.id]));
      if (replaced !== undefined && replaced.key !== record.key) store.delete(allUnder(["chunk", replaced.key]));
      store.delete(["partial", record.id]);
      store.put(record, ["manifest", record.id]);
      return promisifyRequest(store.transaction);
    });
  }

  /** Takes a model back to a partial that ends before its damaged chunk, so that the next load goes on from there. */
  async demote(record: ModelRecord, damaged: number): Promise<void> {
    await this.#run("readwrite", async (store) => {
      const manifest = await promisifyRequest<ModelRecord | undefined>(store.get(["manifest", record.id]));
      if (manifest?.key !== record.key) return;
      store.delete(["manifest", record.id]);
      store.put({ ...manifest, chunks: manifest.chunks.slice(0, damaged) }, ["partial", record.id]);
      await promisifyRequest(store.transaction);
    });
  }

  async touch(id: string, lastUsed: number): Promise<void> {
    await this.#run("readwrite", async (store) => {
      const manifest = await promisifyRequest<ModelRecord | undefined>(store.get(["manifest", id]));
      if (manifest === undefined) return;
      store.put({ ...manifest, lastUsed }, ["manifest", id]);
      await promisifyRequest(store.transaction);
    });
  }

  async delete(id: string, kinds: readonly Kind[] = ["partial", "manifest"]): Promise<void> {
    await this.#run("readwrite", async (store) => {
      for (const kind of kinds) {
        const record = await promisifyRequest<ModelRecord | undefined>(store.get([kind, id]));
        if (record === undefined) continue;
        store.delete([kind, id]);
        store.delete(allUnder(["chunk", record.key]));
      }
      return promisifyRequest(store.transaction);
    });
  }

  /** Writes a chunk after `check` in the same transaction. */
  async #putChunk(
    key: string,
    index: number,
    bytes: Uint8Array<ArrayBuffer>,
    check: (store: IDBObjectStore) => Promise<void>,
  ): Promise<void> {
    const put = async (value: Blob | Uint8Array<ArrayBuffer>) =>
      this.#run("readwrite", async (store) => {
        await check(store);
        store.put(value, ["chunk", key, index]);
        return promisifyRequest(store.transaction);
      });
    try {
      await put(new Blob([bytes]));
    } catch (error) {
      // Safari's private windows keep IndexedDB in memory and cannot hold Blobs there: https://bugs.webkit.org/show_bug.cgi?id=156347,
      // open in 2025. When that is closed, this goes.
      if (!(isLongtabError(error) && error.cause instanceof DOMException && error.cause.name === "DataCloneError")) throw error;
      await put(bytes.slice());
    }
  }

  async #run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => Promise<T>): Promise<T> {
    try {
      return await this.#store(mode, work);
    } catch (error) {
      throw storageError(error);
    }
  }
}

/** A name for a new model's chunks. Not randomUUID, which insecure contexts lack. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, "0")).join("");
}

/** In IndexedDB's order of keys an array sorts after everything else, so [] is above all of them. */
function allUnder(prefix: string[]): IDBKeyRange {
  return IDBKeyRange.bound(prefix, [...prefix, []]);
}

function storageError(error: unknown): LongtabError {
  if (isLongtabError(error)) return error;
  if (isQuotaError(error)) {
    return new LongtabError({
      code: "quota-exceeded",
      what: "The browser has no room to store more",
      remedy: "delete a stored model or free disk space",
      cause: error,
    });
  }
  return new LongtabError({
    code: "storage-unavailable",
    what: "The browser does not let this page store data in IndexedDB",
    remedy: "leave the private window, allow this site to store data, or free disk space, then reload",
    cause: error,
  });
}

function isQuotaError(error: unknown): boolean {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}
