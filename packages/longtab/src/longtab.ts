import { LongtabError } from "@longtab/errors";
import { openDevice } from "@longtab/gpu";
import type { AdapterReport } from "@longtab/gpu";
import { estimateStorage, persistStorage } from "@longtab/weights";
import { transfer } from "comlink";
import type { Availability, CalibrateOptions, HeadMap, LongtabStatic, ModelReference } from "./api.ts";
import { catalogue } from "./catalogue.ts";
import { adapterName, decideByAdapter, describeDecision } from "./choose-backend.ts";
import { inWorker, load, toRequest } from "./load.ts";
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

async function calibrate(model: ModelReference, options: CalibrateOptions = {}): Promise<HeadMap> {
  const request = toRequest(model, options);
  return inWorker(options, async (link, events) => {
    const map = await link.call(async (api) => api.calibrate(request, transfer(events, [events])));
    link.end(new LongtabError({ code: "disposed", what: "The model was measured" }));
    return map;
  });
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
