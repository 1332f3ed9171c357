import type { Gpu, StorageBinding } from "@longtab/gpu";
import { mapForReading } from "@longtab/gpu";
import type { CacheShape } from "../page.ts";
import type { PageLooks } from "./moves.ts";

/** Bindings into a shared buffer must start at multiples of this (minStorageBufferOffsetAlignment by default). */
const alignment = 256;
/** Steps whose looks are on their way at once; those of others are not asked for. */
const mostReads = 2;

/** What one step has looked at, on its way. */
export interface LooksOnTheWay {
  /** Behind the step, before it is submitted. */
  copy(encoder: GPUCommandEncoder): void;
  /** After that: tells it when it is there. Nobody waits for it, and a lost device has other ways to say so. */
  tell(looked: (found: PageLooks[]) => void): void;
}

/** Which pages decode steps take of those that may be away, as select_runs.wgsl writes it: read back while later steps run. */
export class GpuLooks {
  readonly #gpu: Gpu;
  readonly #shape: CacheShape;
  readonly #stride: number;
  readonly #buffer: GPUBuffer;
  readonly #idle: GPUBuffer[];

  /** `runs`: most runs that a policy takes of a head. */
  constructor(gpu: Gpu, shape: CacheShape, runs: number) {
    this.#gpu = gpu;
    this.#shape = shape;
    this.#stride = Math.ceil((shape.kvHeads * runs * 4) / alignment) * alignment;
    const size = shape.layers * this.#stride;
    this.#buffer = gpu.createBuffer("looks", size, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
    this.#idle = Array.from({ length: mostReads }, () =>
      gpu.createBuffer("looks read back", size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ),
    );
  }

  /** One layer's part. */
  binding(layer: number): StorageBinding {
    return { buffer: this.#buffer, offset: layer * this.#stride, size: this.#stride };
  }

  /** For a step that takes `runs` of each head; undefined where enough are on their way. */
  take(runs: number): LooksOnTheWay | undefined {
    const staging = this.#idle.pop();
    return (
      staging && {
        copy: (encoder) => encoder.copyBufferToBuffer(this.#buffer, 0, staging, 0, staging.size),
        tell: (looked) =>
          void mapForReading(staging, staging.size).then(
            () => {
              const words = new Uint32Array(staging.getMappedRange(0, staging.size).slice(0));
              staging.unmap();
              this.#idle.push(staging);
              looked(this.#looks(words, runs));
            },
            () => {},
          ),
      }
    );
  }

  dispose(): void {
    for (const buffer of [this.#buffer, ...this.#idle]) this.#gpu.destroyBuffer(buffer);
  }

  #looks(words: Uint32Array, runs: number): PageLooks[] {
    const { layers, kvHeads } = this.#shape;
    return Array.from({ length: layers * kvHeads }, (_, head) => {
      const from = Math.floor(head / kvHeads) * (this.#stride / 4) + (head % kvHeads) * runs;
      // Several runs of a page are one look, of as large a share.
      const counts = new Map<number, number>();
      for (const word of words.subarray(from, from + runs)) if (word > 0) counts.set(word - 1, (counts.get(word - 1) ?? 0) + 1);
      return { positions: [...counts.keys()], shares: [...counts.values()] };
    });
  }
}
