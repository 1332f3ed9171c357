/** Database and object store of packages/longtab/src/sessions/session-store.ts; a record has the key ["session", name]. */
const database = "longtab-sessions";
const store = "sessions";

/** How often it is looked whether a session was kept. */
const lookMs = 50;
/** A session that is not kept after so long never is. */
const longestSeconds = 120;

export interface StoredFigures {
  /** Of all pieces. */
  bytes: number;
  /** From when the session began to be kept to when it was. */
  writeSeconds: number;
  /** Writing and reading as many bytes in pieces of the same sizes, one after another, without looking at them. */
  rawWriteSeconds: number;
  rawReadSeconds: number;
}

/** Waits until the session `name` that began to be kept after `since`, milliseconds since 1970, is; and does the same with bytes that mean nothing. */
export async function measureStored(name: string, since: number): Promise<StoredFigures> {
  const opened = await request(indexedDB.open(database));
  try {
    const { pieces, savedAt, foundAt } = await waitForRecord(opened, name, since);
    const raw = await measureRaw(pieces);
    return { bytes: pieces.reduce((sum, size) => sum + size, 0), writeSeconds: (foundAt - savedAt) / 1000, ...raw };
  } finally {
    opened.close();
  }
}

interface FoundRecord {
  pieces: number[];
  savedAt: number;
  foundAt: number;
}

async function waitForRecord(opened: IDBDatabase, name: string, since: number): Promise<FoundRecord> {
  for (;;) {
    const found = (await request<unknown>(opened.transaction(store).objectStore(store).get(["session", name]))) as
      | Omit<FoundRecord, "foundAt">
      | undefined;
    if (found && found.savedAt >= since) return { ...found, foundAt: Date.now() };
    if (Date.now() - since > longestSeconds * 1000) throw new Error(`The session was not kept within ${longestSeconds} s.`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

async function measureRaw(sizes: readonly number[]): Promise<Pick<StoredFigures, "rawWriteSeconds" | "rawReadSeconds">> {
  const name = "bench-raw";
  const opening = indexedDB.open(name);
  opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(store));
  const opened = await request(opening);
  const bytes = randomBytes(Math.max(...sizes));
  const writing = performance.now();
  for (const [index, size] of sizes.entries()) {
    const transaction = opened.transaction(store, "readwrite");
    transaction.objectStore(store).put(new Blob([bytes.subarray(0, size)]), index);
    await completed(transaction);
  }
  const reading = performance.now();
  for (const index of sizes.keys()) {
    const blob = await request<unknown>(opened.transaction(store).objectStore(store).get(index));
    if (blob instanceof Blob) await blob.arrayBuffer();
  }
  const done = performance.now();
  opened.close();
  await request(indexedDB.deleteDatabase(name));
  return { rawWriteSeconds: (reading - writing) / 1000, rawReadSeconds: (done - reading) / 1000 };
}

/** Nothing that compresses well. */
function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  const most = 65_536;
  for (let at = 0; at < size; at += most) crypto.getRandomValues(bytes.subarray(at, at + most));
  return bytes;
}

async function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () => reject(transaction.error ?? new Error("IndexedDB failed.")));
  });
}

async function request<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.addEventListener("success", () => resolve(asked.result));
    asked.addEventListener("error", () => reject(asked.error ?? new Error("IndexedDB failed.")));
  });
}
