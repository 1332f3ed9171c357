import type { AdapterReport, Gpu } from "@longtab/gpu";
import type { LongtabError } from "@longtab/errors";

/**
 * A device that a backend may own and dispose while others go on using it: what is allocated through it is counted apart and freed by
 * `dispose`; the device stays. Its pipelines stay too, which spares tests on a software adapter from making them again.
 */
export class BorrowedGpu implements Gpu {
  readonly device: GPUDevice;
  readonly report: AdapterReport;
  readonly lost: Promise<LongtabError>;
  #lender: Gpu;
  #sizes = new Map<GPUBuffer, number>();

  constructor(lender: Gpu) {
    this.#lender = lender;
    this.device = lender.device;
    this.report = lender.report;
    this.lost = lender.lost;
  }

  get allocatedBytes(): number {
    return [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  createBuffer(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const buffer = this.#lender.createBuffer(label, size, usage);
    this.#sizes.set(buffer, buffer.size);
    return buffer;
  }

  destroyBuffer(buffer: GPUBuffer): void {
    this.#sizes.delete(buffer);
    this.#lender.destroyBuffer(buffer);
  }

  allocating<T>(what: string, allocate: () => T): Promise<T> {
    return this.#lender.allocating(what, allocate);
  }

  dispose(): void {
    for (const buffer of this.#sizes.keys()) this.#lender.destroyBuffer(buffer);
    this.#sizes.clear();
  }
}
