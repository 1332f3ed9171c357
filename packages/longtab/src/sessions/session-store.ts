import type { ByteSource } from "@longtab/formats";
import { createStore, promisifyRequest } from "idb-keyval";
import type { UseStore } from "idb-keyval";
import { PieceSource } from "./piece-source.ts";

/** What is known of a stored session without reading it. */
export interface SessionRecord {
  name: string;
  /** Ids of its tokens, in order. */
  ids: Uint32Array<ArrayBuffer>;
  /** Bytes of each piece. */
  pieces: number[];
  /** Pieces are kept under this random name: a newer snapshot is written beside the one that it replaces. */
  key: string;
  /** Milliseconds since 1970. */
  savedAt: number;
}

/** How much sessions may take: as many conversations as a person goes back and forth between, and the bytes of a few long ones. */
export interface SessionLimits {
  sessions: number;
  bytes: number;
}

const defaultLimits: SessionLimits = { sessions: 8, bytes: 768e6 };

/** Snapshots of sessions, kept and given back by name. */
export interface SessionStore {
  find(name: string): Promise<SessionRecord | undefined>;
  source(record: SessionRecord): ByteSource;
  /** False where `pieces` ended early, because `wanted` said so or there was no room: then what was stored before stays. */
  save(
    name: string,
    ids: Uint32Array<ArrayBuffer>,
    pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
    wanted: () => boolean,
  ): Promise<boolean>;
  delete(name: string): Promise<void>;
}

/**
 * Sessions in IndexedDB: records under ["session", name], pieces under ["piece", key, index], the record written last, in one transaction with
 * the deletion of what it replaces. One worker of the origin writes at a time.
 */
export class StoredSessions implements SessionStore {
  readonly #store: UseStore;
  readonly #limits: SessionLimits;

  constructor(limits: SessionLimits = defaultLimits, database = "longtab-sessions") {
    this.#store = createStore(database, "sessions");
    this.#limits = limits;
  }

  async find(name: string): Promise<SessionRecord | undefined> {
    const record = await this.#store("readonly", (store) => promisifyRequest<unknown>(store.get(["session", name])));
    return isRecord(record) ? record : undefined;
  }

  source({ key, pieces }: SessionRecord): ByteSource {
    return new PieceSource(pieces, async (index) => {
      const piece = await this.#store("readonly", (store) => promisifyRequest<Blob | undefined>(store.get(["piece", key, index])));
      // A piece that is gone reads as nothing, which no checksum takes for the piece.
      return piece === undefined ? new Uint8Array(0) : new Uint8Array(await piece.arrayBuffer());
    });
  }

  async save(
    name: string,
    ids: Uint32Array<ArrayBuffer>,
    pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
    wanted: () => boolean,
  ): Promise<boolean> {
    return alone(async () => {
      const record: SessionRecord = { name, ids, pieces: [], key: crypto.randomUUID(), savedAt: Date.now() };
      try {
        const limits = { ...this.#limits, bytes: Math.min(this.#limits.bytes, await shareOfQuota()) };
        if (await this.#write(record, pieces, limits.bytes, wanted)) {
          await this.#replace(record, limits);
          return true;
        }
      } catch {
        // No room, or no storage: what was stored before stays.
      }
      await this.#store("readwrite", (store) => void store.delete(allUnder(["piece", record.key]))).catch(() => {});
      return false;
    });
  }

  async delete(name: string): Promise<void> {
    await this.#store("readwrite", async (store) => {
      const record = await promisifyRequest<unknown>(store.get(["session", name]));
      store.delete(["session", name]);
      if (isRecord(record)) store.delete(allUnder(["piece", record.key]));
      await promisifyRequest(store.transaction);
    });
  }

  /** False where there is more than there may be, or it is not wanted any more. */
  async #write(
    record: SessionRecord,
    pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
    limit: number,
    wanted: () => boolean,
  ): Promise<boolean> {
    let written = 0;
    for await (const piece of pieces) {
      written += piece.byteLength;
      if (written > limit || !wanted()) return false;
      await this.#store("readwrite", (store) => {
        store.put(new Blob([piece]), ["piece", record.key, record.pieces.length]);
        return promisifyRequest(store.transaction);
      });
      record.pieces.push(piece.byteLength);
    }
    return written > 0 && wanted();
  }

  /** Makes `record` what is stored under its name, and the oldest sessions and pieces without a record give way. */
  async #replace(record: SessionRecord, limits: SessionLimits): Promise<void> {
    await this.#store("readwrite", async (store) => {
      store.put(record, ["session", record.name]);
      const found = await promisifyRequest<unknown[]>(store.getAll(allUnder(["session"])));
      const keys = await promisifyRequest(store.getAllKeys(allUnder(["piece"])));
      const kept = newest(found.filter(isRecord), limits);
      for (const { name } of found.filter(isRecord)) if (!kept.some((one) => one.name === name)) store.delete(["session", name]);
      const keptKeys = new Set(kept.map(({ key }) => key));
      for (const key of keys) if (Array.isArray(key) && typeof key[1] === "string" && !keptKeys.has(key[1])) store.delete(key);
      await promisifyRequest(store.transaction);
    });
  }
}

/** Those that may stay, the newest first. */
export function newest(records: readonly SessionRecord[], limits: SessionLimits): SessionRecord[] {
  let bytes = 0;
  return records
    .toSorted((a, b) => b.savedAt - a.savedAt)
    .slice(0, limits.sessions)
    .filter((record) => (bytes += bytesOf(record)) <= limits.bytes);
}

function bytesOf({ pieces }: SessionRecord): number {
  return pieces.reduce((sum, size) => sum + size, 0);
}

/** Weights come first: sessions take a quarter of what the browser grants at most. */
async function shareOfQuota(): Promise<number> {
  const { quota = Infinity } = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
  return quota / 4;
}

/** Where the browser has locks, nobody else writes or clears up meanwhile. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  const { locks } = navigator as Partial<Navigator>;
  return locks ? locks.request("longtab-sessions", work) : work();
}

function allUnder(prefix: string[]): IDBKeyRange {
  // An array sorts behind every string and number.
  return IDBKeyRange.bound(prefix, [...prefix, []]);
}

/** What another version of the page wrote may look otherwise. */
function isRecord(value: unknown): value is SessionRecord {
  const { name, ids, pieces, key, savedAt } = (value ?? {}) as Partial<SessionRecord>;
  return (
    typeof name === "string" &&
    ids instanceof Uint32Array &&
    Array.isArray(pieces) &&
    pieces.every((size) => Number.isInteger(size) && size > 0) &&
    typeof key === "string" &&
    typeof savedAt === "number"
  );
}
