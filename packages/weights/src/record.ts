import type { StoredModel } from "./contract.ts";

/** What is stored of a model: while it loads (a partial) and when all of it is there (a manifest). */
export interface ModelRecord {
  id: string;
  name: string;
  size: number;
  chunkBytes: number;
  /** Chunks are kept under this random name, not under the id: a new version is written beside the one that it replaces. */
  key: string;
  /** SHA-256 of each stored chunk in order, in hex; a partial's list is shorter than the file. */
  chunks: string[];
  /** Where the bytes can be had again; empty for a file that the person chose. */
  urls: string[];
  /** The URL that a partial's bytes come from, and what that server said identifies this version of the file. */
  source?: { url: string; validator?: string };
  /** Of the whole file, as stated; a manifest's has been checked. */
  sha256?: string;
  /** Milliseconds since 1970. */
  lastUsed: number;
}

/** The database of stores that are not given another. */
export const weightsDatabase = "longtab-weights";

export function describeRecord({ id, name, size, chunkBytes, chunks, lastUsed }: ModelRecord, complete: boolean): StoredModel {
  return { id, name, size, storedBytes: Math.min(chunks.length * chunkBytes, size), complete, lastUsed };
}
