import { LongtabError, aborted, throwIfAborted } from "@longtab/errors";
import { openDevice } from "@longtab/gpu";
import type { AdapterReport } from "@longtab/gpu";
import { estimateStorage, persistStorage } from "@longtab/weights";
import { transfer } from "comlink";
import type { Availability, CalibrateOptions, HeadMap, LoadOptions, LoadedModel, LongtabStatic, ModelReference } from "./api.ts";
import { catalogue } from "./catalogue.ts";
import { adapterName, decideByAdapter, describeDecision } from "./choose-backend.ts";
import { ModelClient } from "./model-client.ts";
import type { LoadEvent, LoadRequest } from "./protocol.ts";
import { findWasmProblem } from "./wasm-support.ts";
import { weightsRequest } from "./weights-request.ts";
import { WorkerLink } from "./worker-link.ts";

/** The way in: load a model, ask whether one could run, manage the stored ones. */
export const Longtab: LongtabStatic = {
  load,
  availability,
  catalogue,
  models: {
    list: async () => librarian().call(async (api) => api.listModels()),
    delete: async (id) => librarian().call(async (api) => api.deleteModel(id)),
    plan: async (model, options = {}) => librarian().call(async (api) => api.planContext({ model, ...options })),
    calibrate,
    estimate: estimateStorage,
    persist: persistStorage,
  },
  sessions: {
    delete: async (name) => librarian().call(async (api) => api.deleteSession(name)),
  },
};

/** Starts a worker and loads a model in it. Aborting ends the worker; what was downloaded stays stored and the next load goes on from there. */
export async function load(model: ModelReference, options: LoadOptions = {}): Promise<LoadedModel> {
  const { contextLength, context, memoryBudget, prefill } = options;
  const request = {
    ...toRequest(model, options),
    ...(contextLength !== undefined && { contextLength }),
    ...(context !== undefined && { context }),
    ...(memoryBudget !== undefined && { memoryBudget }),
    ...(prefill !== undefined && { prefill }),
  };
  return inWorker(options, async (link, events) => {
    const info = await link.call(async (api) => api.load(request, transfer(events, [events])));
    return new ModelClient(link, info);
  });
}

async function calibrate(model: ModelReference, options: CalibrateOptions = {}): Promise<HeadMap> {
  const request = toRequest(model, options);
  return inWorker(options, async (link, events) => {
    const map = await link.call(async (api) => api.calibrate(request, transfer(events, [events])));
    link.end(new LongtabError({ code: "disposed", what: "The model was measured" }));
    return map;
  });
}

function toRequest(model: ModelReference, { modelBase, backend }: Pick<LoadOptions, "modelBase" | "backend">): LoadRequest {
  return {
    model,
    ...(backend !== undefined && { backend }),
    ...(modelBase !== undefined && { modelBase: new URL(modelBase, document.baseURI).href }),
  };
}

/** Does what begins with a load in a worker of its own, which ends when that fails or is aborted. */
async function inWorker<T>(
  { onProgress, onMeasure, signal }: Pick<CalibrateOptions, "onProgress" | "onMeasure" | "signal">,
  work: (link: WorkerLink, events: MessagePort) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const link = new WorkerLink();
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", ({ data }: MessageEvent<LoadEvent>) => {
    if (data.type === "progress") onProgress?.(data.progress);
    else if (data.type === "measure") onMeasure?.(data.progress);
    else link.end(LongtabError.deserialize(data.error));
  });
  port1.start();
  void link.ended.then(() => port1.close());
  const stop = (): void => signal && link.end(aborted(signal));
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return await work(link, port2);
  } catch (error) {
    const failure = LongtabError.from(error);
    link.end(failure);
    throw failure;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

async function availability(model: ModelReference = catalogue[0]?.id ?? ""): Promise<Availability> {
  try {
    const adapter = await findAdapter();
    const decision = decideByAdapter("auto", adapter, findWasmProblem);
    const report = adapter instanceof LongtabError ? undefined : adapter;
    return {
      state: (await isStored(model)) ? "available" : "downloadable",
      ...describeDecision(decision, report),
      adapter: report ? adapterName(report) : "",
      software: report?.software ?? false,
    };
  } catch (error) {
    const { what, remedy = "" } = LongtabError.from(error);
    return { state: "unavailable", reason: `${what}.`, remedy: remedy && `${remedy[0]?.toUpperCase()}${remedy.slice(1)}.` };
  }
}

async function findAdapter(): Promise<AdapterReport | LongtabError> {
  try {
    const gpu = await openDevice();
    gpu.dispose();
    return gpu.report;
  } catch (error) {
    return LongtabError.from(error);
  }
}

/** @throws LongtabError `invalid-option` for what is neither stored nor a reference. */
async function isStored(model: ModelReference): Promise<boolean> {
  if (typeof model !== "string") return true;
  // Where nothing can be stored, nothing is.
  const complete = (await Longtab.models.list().catch(() => [])).filter((stored) => stored.complete);
  if (complete.some(({ id }) => id === model)) return true;
  const { id } = weightsRequest(model, undefined);
  return complete.some((stored) => stored.id === id);
}

let store: WorkerLink | undefined;

/** A worker that looks after stored models, so that the page need not carry the code for it; started when first asked. */
function librarian(): WorkerLink {
  if (!store) {
    store = new WorkerLink();
    void store.ended.then(() => (store = undefined));
  }
  return store;
}
