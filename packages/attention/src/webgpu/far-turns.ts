import type { Gpu } from "@longtab/gpu";
import { pageTokens, pagesFor } from "../page.ts";
import { rotationTable } from "../rotation.ts";
import type { RotarySpec } from "../rotation.ts";

// STORAGE | COPY_SRC | COPY_DST by number: this module is also loaded where there is no WebGPU.
const usage = 0x80 | 0x04 | 0x08;

/**
 * How far the rotary embedding has turned at the first token of each page: [pages by position, E / 2] of (cos, sin), angles in f64. Far pages
 * are met at a fixed distance by turning their keys back, or queries forth, by it. All layers, heads and timelines share it.
 */
export class FarTurns {
  #gpu: Gpu;
  #spec: RotarySpec;
  #buffer: GPUBuffer;
  #pages = 0;

  constructor(gpu: Gpu, spec: RotarySpec) {
    this.#gpu = gpu;
    this.#spec = spec;
    // Something to bind before anything is far.
    this.#buffer = gpu.createBuffer("far turns", spec.headSize * 4, usage);
  }

  get buffer(): GPUBuffer {
    return this.#buffer;
  }

  /** Makes sure that the pages of this many tokens are there, for the steps that come. @throws LongtabError `out-of-memory`. */
  async reserve(tokens: number): Promise<void> {
    const pages = pagesFor(tokens);
    if (pages <= this.#pages) return;
    const capacity = Math.max(pages, this.#pages * 2);
    const bytes = this.#spec.headSize * 4;
    const grown = await this.#gpu.allocating("positions of the conversation", () =>
      this.#gpu.createBuffer("far turns", capacity * bytes, usage),
    );
    const encoder = this.#gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#buffer, 0, grown, 0, this.#pages * bytes);
    this.#gpu.device.queue.submit([encoder.finish()]);
    const positions = Array.from({ length: capacity - this.#pages }, (_, index) => (this.#pages + index) * pageTokens);
    this.#gpu.device.queue.writeBuffer(grown, this.#pages * bytes, rotationTable(this.#spec, positions));
    this.#gpu.destroyBuffer(this.#buffer);
    this.#buffer = grown;
    this.#pages = capacity;
  }

  dispose(): void {
    this.#gpu.destroyBuffer(this.#buffer);
  }
}
