import { LongtabError } from "@longtab/errors";
import type { Engine } from "@longtab/engine";
import { fetchPart } from "@longtab/origin";
import { WeightStore } from "@longtab/weights";
import { expose } from "comlink";
import { carryTypedErrors } from "./comlink-errors.ts";
import { loadModel } from "./load-model.ts";
import type { SamplingOptions } from "./api.ts";
import type { LoadEvent, WorkerApi } from "./protocol.ts";
import { runRequest, startRequest } from "./requests.ts";
import type { StartedRequest } from "./requests.ts";
import type { SessionKeeper } from "./sessions/index.ts";
import type * as Sessions from "./sessions/index.ts";

/** One worker holds one model. What Comlink exposes is this object. */
let engine: Engine | undefined;
let defaults: SamplingOptions & { maxTokens?: number } = {};
/** Of the weights. */
let fingerprint = "";
/** From the first named session on. */
let keeper: SessionKeeper | undefined;
const running = new Map<number, AbortController>();
/** Ends with the request that came last. */
let last: Promise<void> = Promise.resolve();

const api: WorkerApi = {
  async load(request, events) {
    const send = (event: LoadEvent): void => events.postMessage(event);
    const loaded = await loadModel(request, (progress) => send({ type: "progress", progress }));
    engine = loaded.engine;
    ({ fingerprint } = loaded);
    const { sampling, context, trainedContextLength } = loaded.info;
    // A model that never stops of itself would write for ever.
    defaults = { ...sampling, ...(context.endless && { maxTokens: trainedContextLength }) };
    void loaded.lost.then((error) => send({ type: "lost", error: LongtabError.from(error).serialize() }));
    return loaded.info;
  },

  async calibrate(request, events) {
    const send = (event: LoadEvent): void => events.postMessage(event);
    const loaded = await loadModel({ ...request, context: "quest" }, (progress) => send({ type: "progress", progress }));
    const { calibrateModel } = await fetchPart("The part of Longtab that measures heads", async () => import("./calibrate-model.ts"));
    return calibrateModel(loaded, (progress) => send({ type: "measure", progress }));
  },

  async start(id, request, events) {
    const controller = new AbortController();
    const started = startRequest(loadedEngine(), { ...defaults, ...request });
    running.set(id, controller);
    keeper?.interrupt();
    const run = async (): Promise<void> => answer(started, request.session, events, controller.signal).finally(() => running.delete(id));
    last = last.then(run, run);
  },

  cancel(id) {
    running.get(id)?.abort();
  },

  countTokens(messages) {
    return loadedEngine().encode({ messages }).length;
  },

  async planContext(request) {
    const { planContext } = await fetchPart("The part of Longtab that plans memory", async () => import("./context-plan.ts"));
    return planContext(request);
  },

  async deleteSession(name) {
    const { StoredSessions, tellDeleted } = await importSessions();
    tellDeleted(name);
    await new StoredSessions().delete(name);
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

/**
 * Runs a request; that of a named session goes on from what was kept of it, and is kept in turn. One after another: what is brought back for one
 * must still be there when its prompt is read.
 */
async function answer(started: StartedRequest, session: string | undefined, events: MessagePort, signal: AbortSignal): Promise<void> {
  // What is held is another's for a request that was given up while it waited.
  const own = signal.aborted ? undefined : session;
  if (own !== undefined) await (await openKeeper(started.engine))?.recall(own, started.ids, signal);
  await runRequest(started, events, signal);
  const othersWait = [...running.values()].some((other) => other.signal !== signal && !other.signal.aborted);
  if (own !== undefined && !othersWait) keeper?.keepSoon(own, started.ids);
}

/** Undefined where its code cannot be fetched: then nothing is kept, and an answer begins by reading. */
async function openKeeper(loaded: Engine): Promise<SessionKeeper | undefined> {
  try {
    const { SessionKeeper, StoredSessions, hearDeleted } = await importSessions();
    if (!keeper) {
      keeper = new SessionKeeper(loaded, fingerprint, new StoredSessions());
      hearDeleted((name) => void keeper?.forget(name));
    }
    return keeper;
  } catch {
    return undefined;
  }
}

/** @throws LongtabError `network-failed` */
async function importSessions(): Promise<typeof Sessions> {
  return fetchPart("The part of Longtab that keeps conversations", async () => import("./sessions/index.ts"));
}

function loadedEngine(): Engine {
  if (!engine) throw new LongtabError({ code: "internal", what: "There is no model in this worker", remedy: "load one first" });
  return engine;
}

carryTypedErrors();
expose(api);
