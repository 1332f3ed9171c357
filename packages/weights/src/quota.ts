import { LongtabError } from "@longtab/errors";
import type { StorageEstimate } from "./contract.ts";

/** Absent in insecure contexts, whatever the DOM's types say. */
function storageManager(): Partial<StorageManager> | undefined {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.storage;
}

/** What this origin uses and may use. */
export async function estimateStorage(): Promise<StorageEstimate> {
  const storage = storageManager();
  const { usage = 0, quota = Infinity } = (await storage?.estimate?.()) ?? {};
  return { usage, quota, persisted: (await storage?.persisted?.()) ?? false };
}

/** Asks the browser not to evict stored models. Only pages can ask; in a worker this says whether it was granted before. */
export async function persistStorage(): Promise<boolean> {
  const storage = storageManager();
  return (await (storage?.persist?.() ?? storage?.persisted?.())) ?? false;
}

/**
 * Refuses a load that cannot fit, before its first byte. `bytes` are those still to be stored.
 * @throws `quota-exceeded`
 */
export async function requireRoom(name: string, bytes: number): Promise<void> {
  const { usage, quota } = await estimateStorage();
  const free = Math.max(0, quota - usage);
  if (bytes > free) throw quotaExceeded(name, bytes, free);
}

export function quotaExceeded(name: string, needed: number, free: number, cause?: unknown): LongtabError {
  return new LongtabError({
    code: "quota-exceeded",
    what: `The browser has no room to store ${name}`,
    value: `${megabytes(needed)} to store`,
    // Chromium states 10 GiB to every site, so as not to tell sites apart by their disk: what it refuses nevertheless is not free.
    ...(free < needed ? { limit: `${megabytes(free)} free` } : {}),
    remedy: "delete a stored model or free disk space, then load again: what is stored already is kept",
    cause,
  });
}

/** "98.4 MB": decimal megabytes, as download pages and operating systems count them. */
export function megabytes(bytes: number): string {
  return Number.isFinite(bytes) ? `${(bytes / 1e6).toFixed(1)} MB` : "unlimited";
}
