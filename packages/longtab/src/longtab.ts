import { LongtabError, aborted, throwIfAborted } from "@longtab/errors";
import { openDevice } from "@longtab/gpu";
import { estimateStorage, persistStorage } from "@longtab/weights";
import type { Remote } from "comlink";
import { transfer, wrap } from "comlink";
import type { Availability, LoadOptions, LongtabStatic, ModelReference } from "./api.ts";
import { catalogue } from "./catalogue.ts";
import { carryTypedErrors } from "./comlink-errors.ts";
import { ModelClient } from "./model-client.ts";
import type { LoadEvent, WorkerApi } from "./protocol.ts";

carryTypedErrors();

/** The way in: load a model, ask whether one could run, manage the stored ones. */
export const Longtab: LongtabStatic = {
  load,
  availability,
  catalogue,
  models: {
    list: async () => librarian().listModels(),
    delete: async (id) => librarian().deleteModel(id),
    estimate: estimateStorage,
    persist: persistStorage,
  },
};

/** Starts a worker and loads a model in it. Aborting ends the worker; what was downloaded stays stored and the next load goes on from there. */
async function load(model: ModelReference, { onProgress, signal, contextLength, modelBase }: LoadOptions = {}): Promise<ModelClient> {
  throwIfAborted(signal);
  const worker = startWorker();
  const api = wrap<WorkerApi>(worker);
  const { port1, port2 } = new MessageChannel();
  const lost = new Promise<Error>((resolve) => {
    worker.addEventListener("error", (event) => {
      resolve(new LongtabError({ code: "internal", what: `The worker failed: ${event.message || "it could not be started"}`, remedy: "reload the page; stored models and conversations are kept" }));
    });
    port1.addEventListener("message", ({ data }: MessageEvent<LoadEvent>) => {
      if (data.type === "progress") onProgress?.(data.progress);
      else resolve(LongtabError.deserialize(data.error));
    });
  });
  port1.start();
  const stop = new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(aborted(signal)), { once: true }));
  const request = {
    model,
    ...(contextLength !== undefined && { contextLength }),
    ...(modelBase !== undefined && { modelBase: new URL(modelBase, document.baseURI).href }),
  };
  try {
    const info = await Promise.race([api.load(request, transfer(port2, [port2])), lost.then((error) => Promise.reject(error)), stop]);
    return new ModelClient(worker, api, info, lost);
  } catch (error) {
    worker.terminate();
    port1.close();
    throw LongtabError.from(error);
  }
}

async function availability(model: ModelReference = catalogue[0]?.id ?? ""): Promise<Availability> {
  try {
    const gpu = await openDevice();
    const { description, vendor, architecture, software } = gpu.report;
    gpu.dispose();
    const adapter = description || `${vendor} ${architecture}`.trim();
    return { state: (await isStored(model)) ? "available" : "downloadable", adapter, software };
  } catch (error) {
    const { what, remedy = "" } = LongtabError.from(error);
    return { state: "unavailable", reason: `${what}.`, remedy: remedy && `${remedy[0]?.toUpperCase()}${remedy.slice(1)}.` };
  }
}

async function isStored(model: ModelReference): Promise<boolean> {
  if (typeof model !== "string") return true;
  const models = await librarian()
    .listModels()
    .catch(() => []);
  return models.some(({ id, complete }) => complete && id === model);
}

let store: Remote<WorkerApi> | undefined;

/** A worker that looks after stored models, so that the page need not carry the code for it; started when first asked. */
function librarian(): Remote<WorkerApi> {
  return (store ??= wrap<WorkerApi>(startWorker()));
}

function startWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "longtab" });
}
