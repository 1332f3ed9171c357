/**
 * Gives the memory of bytes that nobody reads any more back at once, and leaves them empty. The garbage collector counts ArrayBuffers
 * late: measured in Chromium, 98 MB streamed in reads of 4 MiB held up to 81 MiB without this and 22 MiB with it.
 * Only for bytes that have their buffer for themselves, as those of `StoredSource.read` have.
 */
export function release(bytes: Uint8Array<ArrayBuffer>): void {
  bytes.buffer.transfer(0);
}
