import { LongtabError } from "@longtab/errors";
import type { Engine } from "@longtab/engine";
import { WeightStore } from "@longtab/weights";
import { expose } from "comlink";
import { carryTypedErrors } from "./comlink-errors.ts";
import { loadModel } from "./load-model.ts";
import type { SamplingOptions } from "./api.ts";
import type { LoadEvent, WorkerApi } from "./protocol.ts";
import { runRequest, startRequest } from "./requests.ts";

/** One worker holds one model. What Comlink exposes is this object. */
let engine: Engine | undefined;
let defaults: SamplingOptions = {};
const running = new Map<number, AbortController>();

const api: WorkerApi = {
  async load(request, events) {
    const send = (event: LoadEvent): void => events.postMessage(event);
    const loaded = await loadModel(request, (progress) => send({ type: "progress", progress }));
    engine = loaded.engine;
    defaults = loaded.info.sampling;
    void loaded.lost.then((error) => send({ type: "lost", error: LongtabError.from(error).serialize() }));
    return loaded.info;
  },

  async start(id, request, events) {
    const controller = new AbortController();
    const started = startRequest(loadedEngine(), { ...defaults, ...request });
    running.set(id, controller);
    void runRequest(started, events, controller.signal).finally(() => running.delete(id));
  },

  cancel(id) {
    running.get(id)?.abort();
  },

  countTokens(messages) {
    return loadedEngine().encode({ messages }).length;
  },

  async listModels() {
    return (await WeightStore.open()).list();
  },

  async deleteModel(id) {
    await (await WeightStore.open()).delete(id);
  },

  async holdLock(name) {
    await new Promise<void>((resolve, reject) => {
      const held = async (): Promise<never> => {
        resolve();
        return new Promise(() => {});
      };
      navigator.locks.request(name, held).catch(reject);
    });
  },
};

function loadedEngine(): Engine {
  if (!engine) throw new LongtabError({ code: "internal", what: "There is no model in this worker", remedy: "load one first" });
  return engine;
}

carryTypedErrors();
expose(api);
