import type { AwayPlaces, ContextOptions } from "@longtab/attention";
import { LongtabError } from "@longtab/errors";
import { loadWebGpuBackend } from "@longtab/engine";
import type { Backend, WebGpuBackend } from "@longtab/engine";
import type * as Cpu from "@longtab/cpu";
import type { ByteSource, ModelFile } from "@longtab/formats";
import { openDevice } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { planLoad } from "@longtab/model";
import { fetchPart } from "@longtab/origin";
import type { BackendChoice, LoadProgress, ModelInfo, PrefillChoice } from "./api.ts";
import { adapterName, decideByAdapter, describeDecision, isSlower, looksSlow, whyNotGpu } from "./choose-backend.ts";
import type { Decision, Why } from "./choose-backend.ts";
import { describeCpu } from "./cpu-info.ts";
import { findWasmProblem } from "./wasm-support.ts";

/** What differs between a browser, where nothing need be given, and Node. */
export interface Surroundings {
  /** Default: `navigator.gpu`. */
  gpu?: Pick<GPU, "requestAdapter"> | undefined;
  /** How `@longtab/cpu` starts its threads. */
  cpuHost?: Cpu.CpuHost | undefined;
  /** Default: as many as there are cores. */
  threads?: number | undefined;
  /** What multiplies a prompt's rows on the processor. */
  prefill?: PrefillChoice | undefined;
}

/** What decides how much memory a load takes. */
export interface PlacementPlanOptions {
  contextLength?: number | undefined;
  /** What the model remembers and reads. */
  context?: ContextOptions | undefined;
  /** Bytes that keys and values may take. */
  memoryBudget?: number | undefined;
}

export interface PlacementLoadOptions extends PlacementPlanOptions {
  /** Finds room beside that for what far memory moves away; none unless told. */
  away?: (() => Promise<AwayPlaces>) | undefined;
  onProgress?: ((progress: Pick<LoadProgress, "phase" | "loaded" | "total">) => void) | undefined;
}

export type PlacementInfo = Pick<ModelInfo, "backend" | "backendReason" | "cpu" | "adapter" | "softwareAdapter" | "memory">;

/**
 * Where a model is being loaded: the decisions of choose-backend.ts and what they need to know. It goes from the graphics card to the
 * processor at most once, when the request leaves the choice to it.
 */
export class Placement {
  /** The graphics card, while it is the place. */
  gpu: Gpu | undefined;
  decision: Decision;
  /** Rejects with `device-lost` when the graphics card goes while it is the place. */
  readonly lost: Promise<never>;
  readonly #choice: BackendChoice;
  readonly #surroundings: Surroundings;

  private constructor(choice: BackendChoice, surroundings: Surroundings, decision: Decision, gpu: Gpu | undefined) {
    this.#choice = choice;
    this.#surroundings = surroundings;
    this.decision = decision;
    this.gpu = gpu;
    this.lost = gpu ? gpu.lost.then((error) => Promise.reject(error)) : new Promise(() => {});
    // Who has loaded already does not wait for it any more.
    this.lost.catch(() => {});
  }

  /** @throws LongtabError `webgpu-unavailable`, `wasm-unavailable`, `wasm-blocked` where the chosen backend, or neither, can be had. */
  static async find(choice: BackendChoice, surroundings: Surroundings = {}): Promise<Placement> {
    const gpu =
      choice === "cpu" ? undefined : await openDevice({ gpu: surroundings.gpu }).catch((error: unknown) => LongtabError.from(error));
    try {
      const adapter = gpu === undefined || gpu instanceof LongtabError ? gpu : gpu.report;
      const decision = decideByAdapter(choice, adapter, findWasmProblem);
      if (decision.backend === "webgpu") return new Placement(choice, surroundings, decision, gpu as Gpu);
      release(gpu);
      return new Placement(choice, surroundings, decision, undefined);
    } catch (error) {
      release(gpu);
      throw error;
    }
  }

  /** Makes sure, before anything is stored, that the model fits. @throws LongtabError as the planning of the backend does. */
  async plan(file: ModelFile, options: PlacementPlanOptions): Promise<void> {
    if (this.gpu) {
      try {
        planLoad(file, { ...planned(options), limits: this.gpu.report.limits });
        return;
      } catch (error) {
        await this.#leaveGpu(error, file, options);
      }
    }
    const { planCpuLoad } = await importCpu();
    planCpuLoad(file, planned(options));
  }

  /** @throws LongtabError as the loading of the backend does. */
  async load(file: ModelFile, source: ByteSource, options: PlacementLoadOptions): Promise<Backend> {
    if (this.gpu) {
      try {
        const backend = await loadWebGpuBackend(this.gpu, file, source, { ...options, away: await options.away?.() });
        if (!(await this.#loses(backend, file, options))) return backend;
        backend.dispose();
        this.#moveToCpu("slower");
      } catch (error) {
        await this.#leaveGpu(error, file, options);
      }
    }
    const { loadCpuBackend } = await importCpu();
    const { cpuHost: host, threads, prefill } = this.#surroundings;
    return loadCpuBackend(file, source, { ...options, host, threads, prefill, away: await options.away?.() });
  }

  /** What runs where and why, for people and programs. */
  describe(backend: Backend): PlacementInfo {
    const report = this.gpu?.report;
    const cpu = describeCpu(backend);
    return {
      ...describeDecision(this.decision, report),
      ...(cpu && { cpu }),
      adapter: report ? adapterName(report) : "",
      softwareAdapter: report?.software ?? false,
      memory: backend.memory(),
    };
  }

  dispose(): void {
    this.gpu?.dispose();
    this.gpu = undefined;
  }

  /** True where the graphics card was measured to be slower than the processor. The processor is looked at only when it may be. */
  async #loses({ plan, stepSeconds }: WebGpuBackend, file: ModelFile, options: PlacementPlanOptions): Promise<boolean> {
    if (this.decision.why !== "capable" || stepSeconds === undefined || !looksSlow(stepSeconds, plan.memory.weights)) return false;
    if (findWasmProblem()) return false;
    const { cpuHost: host, threads } = this.#surroundings;
    try {
      const { estimateStepSeconds, planCpuLoad } = await importCpu();
      planCpuLoad(file, { ...planned(options), contextLength: plan.contextLength });
      return isSlower(stepSeconds, await estimateStepSeconds(file, { host, threads }));
    } catch {
      // A processor that cannot be had, or not hold the model, is no reason to leave a graphics card that works.
      return false;
    }
  }

  /** Moves to the processor where that may help and holds the model; else what the graphics card said is what a person can act on. */
  async #leaveGpu(error: unknown, file: ModelFile, options: PlacementPlanOptions): Promise<void> {
    const why = this.#choice === "auto" ? whyNotGpu(LongtabError.from(error)) : undefined;
    if (why === undefined || findWasmProblem()) throw error;
    const { planCpuLoad } = await importCpu();
    try {
      planCpuLoad(file, planned(options));
    } catch {
      throw error;
    }
    this.#moveToCpu(why);
  }

  #moveToCpu(why: Why): void {
    this.dispose();
    this.decision = { backend: "cpu", why };
  }
}

function planned({ contextLength, context, memoryBudget }: PlacementPlanOptions): PlacementPlanOptions {
  return { contextLength, context, memoryBudget };
}

/** The processor's code is fetched only where it is needed. @throws LongtabError `network-failed` */
async function importCpu(): Promise<typeof Cpu> {
  return fetchPart("The part of Longtab for the processor", async () => import("@longtab/cpu"));
}

function release(gpu: Gpu | LongtabError | undefined): void {
  if (gpu !== undefined && !(gpu instanceof LongtabError)) gpu.dispose();
}
