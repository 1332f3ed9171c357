import { listCapacity, meetsFar } from "@longtab/attention";
import type { AwayPlaces, KvPrecision, Policy } from "@longtab/attention";
import { OutsidePages } from "@longtab/attention/away";
import { LastSelection } from "@longtab/engine";
import type { Backend, BackendMemory, CacheForm, Timeline } from "@longtab/engine";
import { LongtabError, throwIfAborted } from "@longtab/errors";
import type { ByteSource, ModelFile } from "@longtab/formats";
import { cacheShape } from "@longtab/model";
import type { CpuModel } from "./forward.ts";
import type { CpuHost } from "./host.ts";
import { CpuPagePool, PageLandmarks, PageTurns } from "./kv/index.ts";
import type { PrefillChoice } from "./onnxruntime/choose.ts";
import { awayBytes, planCpuLoad } from "./plan.ts";
import type { CpuLoadPlan, CpuPlanOptions } from "./plan.ts";
import { openPrefill } from "./prefill.ts";
import { createScratch, maxStepTokens } from "./scratch.ts";
import { start } from "./start.ts";
import type { Started } from "./start.ts";
import { CpuTimeline } from "./timeline.ts";
import { webHost } from "./web/host.ts";
import { loadWeights } from "./weights.ts";

export interface LoadCpuOptions extends Omit<CpuPlanOptions, "away"> {
  /** Default: a browser's worker; `nodeHost` of "@longtab/cpu/node" in Node. */
  host?: CpuHost | undefined;
  /** Default: as many as there are cores, where memory can be shared; else one. */
  threads?: number | undefined;
  /** What multiplies the many rows of a prompt: our own kernels, ONNX Runtime, or (the default) what is faster. */
  prefill?: "auto" | "own" | "onnxruntime" | undefined;
  /** Room for pages that far memory moves away. None unless told. */
  away?: AwayPlaces | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: { phase: "upload"; loaded: number; total: number }) => void) | undefined;
}

/** Space for what regions lose to alignment. */
const slack = 4 * 2 ** 20;

/**
 * Loads a model into memory of WebAssembly: plans it, streams and re-lays the weights, starts the threads.
 * @throws LongtabError as `planCpuLoad`, `start` and `loadWeights` do, `device-lost` where the kernels trap; nothing stays allocated then.
 */
export async function loadCpuBackend(file: ModelFile, source: ByteSource, options: LoadCpuOptions = {}): Promise<CpuBackend> {
  const { signal, onProgress, host = webHost, threads } = options;
  const plan = planCpuLoad(file, options);
  throwIfAborted(signal);
  const { weights: weightBytes, scratch: scratchBytes, kvBudget } = plan.memory;
  const started = await start({ host, threads, limit: weightBytes + scratchBytes + kvBudget + slack });
  try {
    const { heap, kernels, team } = started;
    const shape = cacheShape(plan.config);
    const capacity = listCapacity(shape, plan.policy, plan.contextLength, maxStepTokens);
    const lists = { capacity, selection: plan.policy.selection, moves: plan.pages.stubs > 0 };
    const scratch = createScratch(heap, plan.config, lists, kernels);
    const weights = await loadWeights(heap, kernels, plan, source, {
      signal,
      onProgress: (loaded, total) => onProgress?.({ phase: "upload", loaded, total }),
    });
    const { threads: size } = team;
    const { products, choice } = await openPrefill(plan, started, source, { ...options, host, threads: size });
    const model = { config: plan.config, pages: plan.kinds, heap, kernels, weights, scratch, threads: size, products };
    return new CpuBackend(plan, started, model, choice, options.away);
  } catch (error) {
    started.team.dispose();
    options.away?.disk?.dispose();
    throw error instanceof WebAssembly.RuntimeError ? threadsLost(error) : error;
  }
}

/** What a trap of the kernels means: a thread died in the middle of its work, or memory is not what it was. */
function threadsLost(cause: WebAssembly.RuntimeError): LongtabError {
  return new LongtabError({
    code: "device-lost",
    what: "The processor's threads stopped working",
    remedy: "load the model again; stored weights and conversations are kept",
    cause,
  });
}

/** A model in WASM memory: weights, scratch and pages, shared by its timelines. */
export class CpuBackend implements Backend {
  readonly kind = "cpu";
  readonly plan: CpuLoadPlan;
  readonly model: CpuModel;
  readonly pool: CpuPagePool;
  readonly simd: "relaxed" | "plain";
  readonly prefillEngine: "own" | "onnxruntime";
  /** Why, without a full stop. */
  readonly prefillReason: string;
  /** Never by itself: a thread that dies takes the worker with it, or its work is done by the others. */
  readonly lost: Promise<Error>;
  /** Most rows of a step of a prompt; fewer for tests of what happens between steps. */
  promptRows = maxStepTokens;
  /** Whether decoding checks what followed the last words when they occurred before: the tokens are the same without. For measuring. */
  drafts = true;
  readonly selector = new LastSelection();
  readonly landmarks: PageLandmarks;
  readonly #started: Started;
  #turns: PageTurns | undefined;
  #failure: LongtabError | undefined;
  #reportLost: (error: Error) => void = () => {};
  #turn: Promise<unknown> = Promise.resolve();

  constructor(plan: CpuLoadPlan, started: Started, model: CpuModel, prefill: PrefillChoice, away?: AwayPlaces) {
    this.plan = plan;
    this.prefillEngine = prefill.engine;
    this.prefillReason = prefill.reason;
    this.model = model;
    this.simd = started.simd;
    this.#started = started;
    const shape = cacheShape(plan.config);
    const { kinds, pages } = plan;
    const { stubs } = pages;
    const places = away && stubs > 0 ? { stubs, outside: new OutsidePages(awayBytes(shape, kinds), away) } : undefined;
    if (!places) away?.disk?.dispose();
    this.pool = new CpuPagePool(started.heap, shape, pages.layers, kinds, places);
    this.landmarks = new PageLandmarks(started.heap, cacheShape(plan.config));
    if (meetsFar(plan.policy)) this.#turns = new PageTurns(started.heap, model.weights.rotary, plan.contextLength);
    this.lost = new Promise((resolve) => (this.#reportLost = resolve));
  }

  get heap(): Started["heap"] {
    return this.#started.heap;
  }

  get threads(): number {
    return this.#started.team.threads;
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
    return this.pool.form;
  }

  memory(): BackendMemory {
    const { scratch, kvBudget } = this.plan.memory;
    const weights = this.plan.memory.weights + (this.model.products?.bytes ?? 0);
    const kv = this.pool.bytes + this.landmarks.bytes;
    return { weights, scratch, kv, kvBudget, away: this.pool.away?.outside ?? { memory: 0, disk: 0 } };
  }

  /** A step runs on the thread that asks for it. */
  stepsAhead(): number {
    return 0;
  }

  createTimeline(policy: Policy = this.policy): Timeline {
    this.throwIfUnusable();
    return CpuTimeline.create(this, policy);
  }

  /** The `turns` of a step whose last row is at `position`. Throws `out-of-memory`. */
  turns(position: number): number {
    return position >= this.plan.config.contextLength ? (this.#turns?.pointer(position) ?? 0) : 0;
  }

  /** Runs steps one after another: timelines share scratch and pages. A trap of the kernels ends the backend. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      this.throwIfUnusable();
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof WebAssembly.RuntimeError)) throw error;
        throw this.#fail(error);
      }
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  throwIfUnusable(): void {
    if (this.#failure) throw this.#failure;
  }

  dispose(): void {
    this.#failure ??= new LongtabError({ code: "disposed", what: "The model was disposed", remedy: "load it again" });
    this.#started.team.dispose();
    this.pool.away?.forget();
    void this.model.products?.dispose();
  }

  #fail(cause: WebAssembly.RuntimeError): LongtabError {
    this.#started.team.dispose();
    this.#failure = threadsLost(cause);
    this.#reportLost(this.#failure);
    return this.#failure;
  }
}
