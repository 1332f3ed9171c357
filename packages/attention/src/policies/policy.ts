import type { HeadPage } from "../page.ts";

/**
 * A policy decides what attention reads: it writes each head's page list. Policies know positions and pages, nothing of GPUs;
 * the kernels read whatever is on the list.
 */
export interface Policy {
  readonly name: string;
  /** Most entries that a list can have when a timeline holds `contextLength` tokens. */
  listCapacity(contextLength: number): number;
  /**
   * Brings a list up to date after pages were added or removed. Pages before index `from` are as they were the last time.
   * Lists are in order of position.
   */
  writeList(list: ListWriter, pages: readonly HeadPage[], from: number): void;
}

/** Writes entries of one head's list; everything behind the last one written is cut off by `end`. */
export interface ListWriter {
  /** A run of `count` tokens from `token` (0 to 15) of a page, met by the query's rotation number `rotation`. */
  entry(index: number, page: HeadPage, run?: { token: number; count: number; rotation: number }): void;
  end(length: number): void;
}
