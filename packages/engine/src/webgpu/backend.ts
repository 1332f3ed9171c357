import { listCapacity } from "@longtab/attention";
import type { AwayPlaces, ContextOptions, KvPrecision, Policy } from "@longtab/attention";
import type { GpuAwayPages, GpuLooks } from "@longtab/attention/away/webgpu";
import { FarTurns, GpuPagePool, planAttention } from "@longtab/attention/webgpu";
import type { PageStorage } from "@longtab/attention/webgpu";
import { LongtabError } from "@longtab/errors";
import type { ByteSource, ModelFile } from "@longtab/formats";
import { Recorder } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { cacheShape, createScratch, defaultTuning, maxStepTokens, planLoad, uploadModel } from "@longtab/model";
import type { LoadPlan, MatmulTuning, Model, ModelWeights } from "@longtab/model";
import { fetchPart } from "@longtab/origin";
import type { Backend, BackendMemory, CacheForm, Timeline } from "../backend.ts";
import { LastSelection } from "../last-selection.ts";
import { createSamplerScratch } from "../sampling/index.ts";
import type { SamplerScratch } from "../sampling/index.ts";
import { cacheForm } from "./cache-form.ts";
import { SelfTest } from "./self-test.ts";
import { warmUp } from "./warm-up.ts";
import { WebGpuTimeline } from "./timeline.ts";

export interface LoadProgress {
  /** Bytes uploaded, or pipelines made. */
  phase: "upload" | "shaders";
  loaded: number;
  total: number;
}

export interface LoadBackendOptions {
  contextLength?: number | undefined;
  /** Default: dense. */
  context?: ContextOptions | undefined;
  /** Bytes that the cache may take. */
  memoryBudget?: number | undefined;
  pooledLength?: number | undefined;
  /** Room for pages that far memory moves away. None unless told. */
  away?: AwayPlaces | undefined;
  signal?: AbortSignal | undefined;
  tuning?: MatmulTuning | undefined;
  /** False leaves out the comparison of what the device computes with what it should; true unless told. */
  selfTest?: boolean | undefined;
  onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Loads a model onto a GPU: plans the memory, streams the weights, compiles the kernels, runs each once and tests what they compute.
 * The backend owns the device from here on: it is disposed with it, also when loading fails.
 * @throws LongtabError as `planLoad` and `uploadModel` do, `shader-failed`, `self-test-failed`, `device-lost`.
 */
export async function loadWebGpuBackend(
  gpu: Gpu,
  file: ModelFile,
  source: ByteSource,
  options: LoadBackendOptions = {},
): Promise<WebGpuBackend> {
  const { signal, onProgress } = options;
  try {
    const plan = planLoad(file, {
      contextLength: options.contextLength,
      context: options.context,
      memoryBudget: options.memoryBudget,
      pooledLength: options.pooledLength,
      away: options.away,
      limits: gpu.report.limits,
    });
    const selfTest = options.selfTest === false ? undefined : new SelfTest(file, plan.config);
    const weights = await uploadModel(gpu, file, plan.config, selfTest?.watch(source) ?? source, {
      signal,
      onProgress: (loaded, total) => onProgress?.({ phase: "upload", loaded, total }),
    });
    const backend = await gpu.allocating(
      "the model's activations",
      () => new WebGpuBackend(gpu, plan, weights, options.tuning ?? defaultTuning(gpu.report)),
    );
    if (options.away && plan.pages.stubPages > 0) await backend.letPagesLeave(options.away);
    else options.away?.disk?.dispose();
    backend.stepSeconds = await warmUp(backend, selfTest, signal, (loaded, total) => onProgress?.({ phase: "shaders", loaded, total }));
    return backend;
  } catch (error) {
    gpu.dispose();
    options.away?.disk?.dispose();
    throw error;
  }
}

/** A model on a WebGPU device: weights, scratch and pages, shared by its timelines. */
export class WebGpuBackend implements Backend {
  readonly kind = "webgpu";
  readonly gpu: Gpu;
  readonly recorder: Recorder;
  readonly model: Model;
  readonly plan: LoadPlan;
  readonly pool: GpuPagePool;
  readonly sampler: SamplerScratch;
  readonly selector = new LastSelection();
  /** What kernels count that nobody reads. */
  readonly uncounted: GPUBuffer;
  /** What selection notes that nobody reads. */
  readonly unread: GPUBuffer;
  /** u32 [layers][kvHeads, runs], each layer's part aligned: what a step took of pages that may be away. Undefined where none may. */
  looks: GpuLooks | undefined;
  #away: GpuAwayPages | undefined;
  /** What far pages are turned by. */
  readonly farTurns: FarTurns;
  readonly lost: Promise<Error>;
  /** Seconds of a decode step at the beginning of the context, as measured when the model was loaded. */
  stepSeconds: number | undefined;
  /** Measured prefill speed, tokens a second: how large the next chunk may be. */
  prefillRate: number | undefined;
  #failure: LongtabError | undefined;
  #recorded: Promise<unknown> = Promise.resolve();

  constructor(gpu: Gpu, plan: LoadPlan, weights: ModelWeights, tuning: MatmulTuning) {
    const shape = cacheShape(plan.config);
    const capacity = listCapacity(shape, plan.policy, plan.contextLength, maxStepTokens);
    const [storage] = plan.storages as [PageStorage];
    const attention = planAttention(shape, storage, plan.policy, capacity, gpu.report.software);
    this.gpu = gpu;
    this.plan = plan;
    this.recorder = new Recorder(gpu);
    this.model = { weights, attention, tuning, scratch: createScratch(gpu, plan.config, attention) };
    this.pool = new GpuPagePool(gpu, shape, plan.pages, plan.storages);
    this.farTurns = new FarTurns(gpu, weights.rotary);
    this.uncounted = gpu.createBuffer("uncounted hits", 4, GPUBufferUsage.STORAGE);
    this.unread = gpu.createBuffer("unread looks", 4, GPUBufferUsage.STORAGE);
    this.sampler = createSamplerScratch(gpu, plan.config.vocabulary);
    this.lost = gpu.lost.then((error) => (this.#failure = error));
  }

  get vocabularySize(): number {
    return this.plan.config.vocabulary;
  }

  get contextLength(): number {
    return this.policy.endless ? Infinity : this.plan.contextLength;
  }

  get policy(): Policy {
    return this.plan.policy;
  }

  get kvPrecision(): KvPrecision {
    return this.plan.precision;
  }

  get cacheForm(): CacheForm {
    return cacheForm(this.pool);
  }

  memory(): BackendMemory {
    const { weights, kvBudget } = this.plan.memory;
    return {
      weights,
      kv: this.pool.bytes,
      kvBudget,
      scratch: this.gpu.allocatedBytes - weights - this.pool.bytes,
      away: this.#away?.outside ?? { memory: 0, disk: 0 },
    };
  }

  /** Makes ready for pages to be away, before the first timeline is made. */
  async letPagesLeave(places: AwayPlaces): Promise<void> {
    const { gpu, pool, plan } = this;
    const { GpuAwayPages, GpuLooks, OutsidePages } = await fetchPart(
      "The part of Longtab that moves conversations out of the graphics card",
      async () => import("@longtab/attention/away/webgpu"),
    );
    this.#away = new GpuAwayPages(gpu, pool, new OutsidePages(Math.max(...this.cacheForm.pageBytes.closed), places));
    pool.away = this.#away;
    this.looks = new GpuLooks(gpu, pool.shape, plan.policy.selection?.runs ?? 1);
  }

  createTimeline(policy: Policy = this.policy): Timeline {
    this.throwIfUnusable();
    return WebGpuTimeline.create(this, policy);
  }

  /** Reading back takes a few milliseconds; from 25 ms a step on, one step hides them. */
  stepsAhead(secondsPerStep: number): number {
    return secondsPerStep > 0.025 ? 1 : 3;
  }

  /**
   * Runs what makes room for a step and submits it, one such after another: timelines share scratch and pages, and making room may wait.
   * Nobody waits here for the results of a step.
   */
  recordInTurn<T>(record: () => Promise<T>): Promise<T> {
    const recorded = this.#recorded.then(record);
    this.#recorded = recorded.catch(() => {});
    return recorded;
  }

  throwIfUnusable(): void {
    if (this.#failure) throw this.#failure;
  }

  dispose(): void {
    this.#away?.dispose();
    this.#failure = new LongtabError({ code: "disposed", what: "The model was disposed", remedy: "load it again" });
    this.gpu.dispose();
  }
}
