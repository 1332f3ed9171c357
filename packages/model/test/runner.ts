import { KvCache, rotationTable } from "@longtab/attention";
import { GpuPagePool, layerCache, planAttention, splitsOf, stepWords } from "@longtab/attention/webgpu";
import type { GpuTable } from "@longtab/attention/webgpu";
import { parseGguf } from "@longtab/formats";
import type { ByteSource } from "@longtab/formats";
import { readBuffer } from "@longtab/gpu";
import type { Gpu, Recorder } from "@longtab/gpu";
import {
  cacheShape,
  createScratch,
  defaultTuning,
  maxLogitRows,
  maxStepTokens,
  planLoad,
  recordForward,
  uploadModel,
} from "../src/index.ts";
import type { Model } from "../src/index.ts";

/** A model on the GPU and one sequence in it: the forward pass without an engine around it. */
export class Runner {
  #gpu: Gpu;
  #recorder: Recorder;
  #model: Model;
  #pool: GpuPagePool;
  #cache: KvCache<GpuTable>;
  #ids: GPUBuffer;
  #hits: GPUBuffer;

  static async load(gpu: Gpu, recorder: Recorder, source: ByteSource): Promise<Runner> {
    const file = await parseGguf(source);
    const { config, policy, pages, storages, contextLength } = planLoad(file, {
      context: { policy: "dense", kv: "f16" },
      limits: gpu.report.limits,
    });
    const weights = await uploadModel(gpu, file, config, source);
    const shape = cacheShape(config);
    const pool = new GpuPagePool(gpu, shape, pages, storages);
    const cache = new KvCache(pool, policy, contextLength, maxStepTokens);
    const attention = planAttention(shape, pool.storage(0), policy, cache.lists.capacity, gpu.report.software);
    return new Runner(
      gpu,
      recorder,
      { weights, attention, tuning: defaultTuning(gpu.report), scratch: createScratch(gpu, config, attention) },
      pool,
      cache,
    );
  }

  private constructor(gpu: Gpu, recorder: Recorder, model: Model, pool: GpuPagePool, cache: KvCache<GpuTable>) {
    this.#gpu = gpu;
    this.#recorder = recorder;
    this.#model = model;
    this.#pool = pool;
    this.#cache = cache;
    this.#hits = gpu.createBuffer("hits", 16, GPUBufferUsage.STORAGE);
    this.#ids = gpu.createBuffer("ids", model.weights.config.contextLength * 4, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
  }

  /** Appends ids in one step and reads the logits: of each, or of the last. */
  async step(ids: readonly number[], logitsOf: "all" | "last"): Promise<Float32Array[]> {
    const { weights, scratch, attention } = this.#model;
    const { vocabulary, headSize } = weights.config;
    const { stride } = weights.head;
    const { queue } = this.#gpu.device;
    const position = this.#cache.length;
    await this.#cache.reserve(ids.length);
    this.#cache.append(ids.length);
    queue.writeBuffer(this.#ids, position * 4, Uint32Array.from(ids));
    queue.writeBuffer(
      scratch.rotations,
      0,
      rotationTable(
        weights.rotary,
        ids.map((_, row) => position + row),
      ),
    );
    const lists = { longest: this.#cache.lists.longest, selects: false };
    const splits = splitsOf(attention, lists);
    this.#recorder.submit((step) => {
      const uniform = step.uniform(stepWords({ tokens: ids.length, position, rotations: 1, splits, headSize }));
      recordForward(step, this.#model, {
        ids: this.#ids,
        cache: (layer) => layerCache(this.#pool, this.#cache, { hits: this.#hits, looks: this.#hits, turns: this.#hits }, layer),
        ...lists,
        tokens: ids.length,
        closings: this.#cache.closingCount,
        uniform,
        logitsOf,
      });
    });
    const rows = logitsOf === "all" ? Math.min(ids.length, maxLogitRows) : 1;
    const logits = new Float32Array(await readBuffer(this.#gpu, scratch.logits, 0, rows * stride * 4));
    return Array.from({ length: rows }, (_, row) => logits.subarray(row * stride, row * stride + vocabulary));
  }

  dispose(): void {
    this.#cache.dispose();
    this.#pool.dispose();
    this.#model.weights.dispose();
    const { selection, selected, ...activations } = this.#model.scratch;
    const scratch = [activations, selection, ...selected].flatMap((buffers) => Object.values<GPUBuffer>({ ...buffers }));
    for (const buffer of [this.#ids, this.#hits, ...scratch]) this.#gpu.destroyBuffer(buffer);
  }
}
