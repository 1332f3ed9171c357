import type { Gpu } from "@longtab/gpu";
import { mapForReading } from "@longtab/gpu";

/** Reads one u32 after another from the GPU without stalling it: each read has a small buffer of its own while it is under way. */
export class ReadBack {
  #gpu: Gpu;
  #idle: GPUBuffer[] = [];
  #all: GPUBuffer[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** `submit` must submit once, with this copy behind its work; resolves with the word at the start of `source`. */
  async read(source: GPUBuffer, submit: (copy: (encoder: GPUCommandEncoder) => void) => void): Promise<number> {
    const buffer = this.#idle.pop() ?? this.#create();
    submit((encoder) => encoder.copyBufferToBuffer(source, 0, buffer, 0, 4));
    await mapForReading(buffer, 4);
    const [value = 0] = new Uint32Array(buffer.getMappedRange(0, 4));
    buffer.unmap();
    this.#idle.push(buffer);
    return value;
  }

  dispose(): void {
    for (const buffer of this.#all) this.#gpu.destroyBuffer(buffer);
  }

  #create(): GPUBuffer {
    const buffer = this.#gpu.createBuffer("read back", 4, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
    this.#all.push(buffer);
    return buffer;
  }
}
