import type { ByteSource } from "@longtab/formats";

/** Where a model's bytes come from. */
export interface WeightsRequest {
  /** Name to show. */
  name: string;
  /** Tried in order until one answers: the page's own copy, then the hub. The id of the stored model is `id`. */
  urls: readonly string[];
  id: string;
  /** Known beforehand only from a catalogue; otherwise what the hub states for the file is used, or nothing. */
  sha256?: string;
  size?: number;
}

export interface WeightsProgress {
  phase: "download" | "verify";
  loaded: number;
  total: number;
  /** Bytes a second, smoothed; 0 until known. */
  rate: number;
}

export interface WeightsOptions {
  signal?: AbortSignal;
  /** About five times a second, and at the start and the end of a phase. */
  onProgress?: (progress: WeightsProgress) => void;
}

/** A stored model opened for reading; a damaged chunk is fetched again by the read that meets it. */
export interface StoredSource extends ByteSource {
  readonly id: string;
  /** Of the whole file, in lower-case hex; only where it was stated beforehand and found to be so. */
  readonly sha256: string | undefined;
}

/** A model whose bytes are in IndexedDB, wholly or in part. */
export interface StoredModel {
  id: string;
  name: string;
  size: number;
  storedBytes: number;
  complete: boolean;
  /** Milliseconds since 1970. */
  lastUsed: number;
}

export interface StorageEstimate {
  usage: number;
  /** Infinity where the browser does not say. */
  quota: number;
  persisted: boolean;
}
