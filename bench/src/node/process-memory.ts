/** The most memory that this process has held, bytes; memory mapped from files is part of it. On software adapters so is the GPU's. */
export function processMemory(): number {
  // Node gives kilobytes on every platform.
  return process.resourceUsage().maxRSS * 1024;
}
