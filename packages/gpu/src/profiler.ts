import type { Gpu } from "./device.ts";

export interface KernelTime {
  name: string;
  dispatches: number;
  /** GPU time, milliseconds. */
  milliseconds: number;
}

/** Two timestamps a pass; a query set holds at most 4096. */
const maxPasses = 2048;

/**
 * GPU time by kernel, from timestamp queries. While a recorder has a profiler each dispatch is a pass of its own, so totals are
 * a little above those of a normal step; compare kernels with one another, not with the clock.
 */
export class Profiler {
  #gpu: Gpu;
  #queries: GPUQuerySet;
  #resolved: GPUBuffer;
  #readable: GPUBuffer;
  #names: string[] = [];

  /** Undefined where the device has no timestamp queries. */
  static create(gpu: Gpu): Profiler | undefined {
    return gpu.report.features.timestamps ? new Profiler(gpu) : undefined;
  }

  private constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.#queries = gpu.device.createQuerySet({ label: "profiler", type: "timestamp", count: maxPasses * 2 });
    this.#resolved = gpu.createBuffer("profiler resolve", maxPasses * 16, GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC);
    this.#readable = gpu.createBuffer("profiler read", maxPasses * 16, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
  }

  /** For the recorder. Passes past the limit are not timed. */
  nextPass(name: string): GPUComputePassTimestampWrites | undefined {
    if (this.#names.length >= maxPasses) return undefined;
    const index = this.#names.push(name) - 1;
    return { querySet: this.#queries, beginningOfPassWriteIndex: index * 2, endOfPassWriteIndex: index * 2 + 1 };
  }

  /** Reads the times of all passes since the last read, summed by kernel, longest first. */
  async read(): Promise<KernelTime[]> {
    const names = this.#names;
    this.#names = [];
    if (names.length === 0) return [];
    const encoder = this.#gpu.device.createCommandEncoder();
    encoder.resolveQuerySet(this.#queries, 0, names.length * 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#readable, 0, names.length * 16);
    this.#gpu.device.queue.submit([encoder.finish()]);
    await this.#readable.mapAsync(GPUMapMode.READ, 0, names.length * 16);
    const times = new BigUint64Array(this.#readable.getMappedRange(0, names.length * 16).slice(0));
    this.#readable.unmap();
    const byName = new Map<string, KernelTime>();
    for (const [index, name] of names.entries()) {
      const entry = byName.get(name) ?? { name, dispatches: 0, milliseconds: 0 };
      entry.dispatches++;
      entry.milliseconds += Number((times[index * 2 + 1] ?? 0n) - (times[index * 2] ?? 0n)) / 1e6;
      byName.set(name, entry);
    }
    return [...byName.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  }

  dispose(): void {
    this.#queries.destroy();
    this.#gpu.destroyBuffer(this.#resolved);
    this.#gpu.destroyBuffer(this.#readable);
  }
}
