/**
 * Random access to the bytes of a model file that is never in memory as a whole: a File, chunks in IndexedDB, a file on disk.
 * A read beyond `size` throws `file-truncated`.
 */
export interface ByteSource {
  readonly size: number;
  /** `length` bytes from `offset`. The result may be a view that the source reuses for nothing else; callers may keep it. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}
