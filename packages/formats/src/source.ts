/**
 * Random access to the bytes of a model file that is never in memory as a whole: a File, chunks in IndexedDB, a file on disk.
 * A read beyond `size` throws `file-truncated`.
 */
export interface ByteSource {
  readonly size: number;
  /** `length` bytes from `offset`, in a buffer of their own: callers may keep, transfer or release it. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}
