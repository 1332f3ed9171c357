/**
 * Gives the memory of bytes that nobody reads any more back at once, and leaves them empty. The garbage collector counts ArrayBuffers
 * late: measured in Chromium, 98 MB streamed in reads of 4 MiB held up to 81 MiB without this and 22 MiB with it.
 * Only for bytes that have their buffer for themselves, as those that `ByteSource.read` returns have.
 */
export function release(bytes: Uint8Array<ArrayBuffer>): void {
  // Node has it from version 21 on; without it the collector does the same, later.
  (bytes.buffer as { transfer?: (length: number) => ArrayBuffer }).transfer?.(0);
}
