import type { AwayPlaces, SlabDisk } from "@longtab/attention";
import { createStore, promisifyRequest } from "idb-keyval";
import type { UseStore } from "idb-keyval";

const defaultName = "longtab-away";
/** Bytes of pages that a worker holds in memory before they go on to the disk. */
const memoryBytes = 256 * 2 ** 20;
const mostDiskBytes = 2 ** 30;

/** How much room there is for pages of long conversations beside the model's own memory. */
export async function awayRoom(): Promise<AwayPlaces<Pick<SlabDisk, "limit">>> {
  const limit = await diskLimit(mostDiskBytes).catch(() => undefined);
  return { memory: memoryBytes, disk: limit === undefined ? undefined : { limit } };
}

/** Bytes that may be stored; undefined where there is no storage, or no telling who is alive. */
async function diskLimit(most: number): Promise<number | undefined> {
  const { locks } = (globalThis as Partial<typeof globalThis>).navigator ?? {};
  if (typeof indexedDB === "undefined" || !locks) return undefined;
  const { quota = Infinity } = (await navigator.storage?.estimate?.()) ?? {};
  // Weights come first. In powers of two, so that what is planned with it is the same from load to load.
  return 2 ** Math.floor(Math.log2(Math.min(most, quota / 4)));
}

/** Where pages of long conversations may be that the model's own memory has no room for. The disk is left out where it cannot be had. */
export async function findAwayPlaces(): Promise<AwayPlaces> {
  return { memory: memoryBytes, disk: await StoredSlabs.open() };
}

/**
 * Slabs of pages in IndexedDB, under [key, slab]: the key is that of one loaded model, which holds a Web Lock of this name as long as it lives.
 * What is there of keys that nobody holds was left behind by a closed tab.
 */
export class StoredSlabs implements SlabDisk {
  readonly limit: number;
  readonly #name: string;
  readonly #key = Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, "0")).join("");
  /** What was read or written last as a file, so that a part of it can be read without the rest. */
  readonly #files = new Map<number, Blob>();
  #store: UseStore | undefined;
  /** Ends the lock. */
  #letGo = (): void => {};
  #held: Promise<unknown> | undefined;
  #disposed = false;

  private constructor(limit: number, name: string) {
    this.limit = limit;
    this.#name = name;
  }

  /**
   * Removes what closed tabs have left behind. Nothing is stored before the first slab is.
   * @returns undefined where there is no storage, or no telling who is alive.
   */
  static async open(name = defaultName, most = mostDiskBytes): Promise<StoredSlabs | undefined> {
    try {
      const limit = await diskLimit(most);
      if (limit === undefined) return undefined;
      const known = await indexedDB.databases();
      if (known.some((database) => database.name === name)) await removeLeft(createStore(name, "slabs"), name, navigator.locks);
      return new StoredSlabs(limit, name);
    } catch {
      // Private windows and blocked storage: memory has to do.
      return undefined;
    }
  }

  async write(slab: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    try {
      await this.#hold();
      const file = new Blob([bytes]);
      await this.#put(slab, file).catch((error: unknown) => {
        // Where IndexedDB cannot hold files: https://bugs.webkit.org/show_bug.cgi?id=156347.
        if (error instanceof DOMException && error.name === "DataCloneError") return this.#put(slab, bytes);
        throw error;
      });
      return !this.#disposed;
    } catch {
      return false;
    }
  }

  async read(slab: number, from: number, to: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const stored =
        this.#files.get(slab) ??
        (await this.#store?.("readonly", (store) =>
          promisifyRequest<Blob | Uint8Array<ArrayBuffer> | undefined>(store.get([this.#key, slab])),
        ));
      if (!(stored instanceof Blob)) return stored?.subarray(from, to);
      this.#files.set(slab, stored);
      const bytes = new Uint8Array(await stored.slice(from, to).arrayBuffer());
      return bytes.length === to - from ? bytes : undefined;
    } catch {
      this.#files.delete(slab);
      return undefined;
    }
  }

  delete(slab: number): void {
    this.#files.delete(slab);
    void this.#store?.("readwrite", (store) => void store.delete([this.#key, slab])).catch(() => {});
  }

  dispose(): void {
    this.#disposed = true;
    this.#files.clear();
    // The lock last: who is not alive is cleared up after.
    void this.#store?.("readwrite", (store) => promisifyRequest(store.delete(allOf(this.#key))))
      .catch(() => {})
      .finally(() => this.#letGo());
  }

  async #put(slab: number, value: Blob | Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#store?.("readwrite", (store) => {
      store.put(value, [this.#key, slab]);
      return promisifyRequest(store.transaction);
    });
  }

  /** Says that this key is alive, before anything is stored under it. */
  async #hold(): Promise<void> {
    this.#held ??= new Promise<void>((resolve, reject) => {
      const released = new Promise<void>((letGo) => (this.#letGo = letGo));
      navigator.locks
        .request(lockOf(this.#name, this.#key), () => {
          resolve();
          return released;
        })
        .catch(reject);
    });
    await this.#held;
    this.#store ??= createStore(this.#name, "slabs");
  }
}

async function removeLeft(store: UseStore, name: string, locks: LockManager): Promise<void> {
  // Who stores has its lock already: keys first, then locks.
  const keys = await store("readonly", (slabs) => promisifyRequest(slabs.getAllKeys()));
  const { held = [] } = await locks.query();
  const alive = new Set(held.map((lock) => lock.name));
  const left = new Set(keys.flatMap((key) => (Array.isArray(key) && typeof key[0] === "string" ? [key[0]] : [])));
  await store("readwrite", (slabs) => {
    for (const key of left) if (!alive.has(lockOf(name, key))) slabs.delete(allOf(key));
    return promisifyRequest(slabs.transaction);
  });
}

function lockOf(name: string, key: string): string {
  return `${name} ${key}`;
}

function allOf(key: string): IDBKeyRange {
  // An array sorts behind every number.
  return IDBKeyRange.bound([key], [key, []]);
}
