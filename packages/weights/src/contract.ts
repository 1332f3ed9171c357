import type { ByteSource } from "@longtab/formats";

/** Where a model's bytes come from. */
export interface WeightsRequest {
  /** Name to show; also the id when there is no URL. */
  name: string;
  /** Tried in order until one answers: the page's own copy, then the hub. The id of the stored model is `id`. */
  urls: readonly string[];
  id: string;
  /** Known beforehand only from a catalogue; otherwise what the server states (X-Linked-ETag) is used, or nothing. */
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
  onProgress?: (progress: WeightsProgress) => void;
}

/** A stored model opened for reading; a damaged chunk is fetched again by the read that meets it. */
export interface StoredSource extends ByteSource {
  readonly id: string;
  readonly sha256: string | undefined;
}
