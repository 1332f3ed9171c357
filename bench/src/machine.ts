import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

/** Where and when the numbers were made. */
export interface Machine {
  date: string;
  platform: string;
  cpu: string;
  cores: number;
  memoryBytes: number;
  node: string;
  /** Processes that wanted a core, averaged over the last minute, before the bench began: above 1 a core the numbers are of a busy machine. */
  loadAverage: number;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString(),
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
    loadAverage: loadavg()[0] ?? 0,
  };
}
