import type { Gpu } from "@longtab/gpu";

// STORAGE | COPY_SRC | COPY_DST by number: this module is also loaded where there is no WebGPU.
const usage = 0x80 | 0x04 | 0x08;

/** u32 words on the device that grow with a text: its ids, counts of its pages. */
export class GrowingWords {
  readonly #gpu: Gpu;
  readonly #label: string;
  #buffer: GPUBuffer;

  constructor(gpu: Gpu, label: string, length: number) {
    this.#gpu = gpu;
    this.#label = label;
    this.#buffer = gpu.createBuffer(label, length * 4, usage);
  }

  /** Another one after `grow`. */
  get buffer(): GPUBuffer {
    return this.#buffer;
  }

  get length(): number {
    return this.#buffer.size / 4;
  }

  write(words: Uint32Array, index: number): void {
    this.#gpu.device.queue.writeBuffer(this.#buffer, index * 4, words.slice());
  }

  /** Makes room for so many words, behind the steps submitted so far; those there are stay. */
  grow(length: number): void {
    if (length <= this.length) return;
    const grown = this.#gpu.createBuffer(this.#label, Math.max(length, 2 * this.length) * 4, usage);
    this.#copy(this.#buffer, grown);
    this.#gpu.destroyBuffer(this.#buffer);
    this.#buffer = grown;
  }

  /** Takes over the words of another, behind the steps submitted so far. */
  replace(other: GrowingWords): void {
    this.grow(other.length);
    this.#copy(other.#buffer, this.#buffer);
  }

  dispose(): void {
    this.#gpu.destroyBuffer(this.#buffer);
  }

  #copy(from: GPUBuffer, to: GPUBuffer): void {
    const encoder = this.#gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, to, 0, from.size);
    this.#gpu.device.queue.submit([encoder.finish()]);
  }
}
