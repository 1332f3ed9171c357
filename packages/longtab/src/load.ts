import { LongtabError, aborted, throwIfAborted } from "@longtab/errors";
import { transfer } from "comlink";
import type { CalibrateOptions, LoadOptions, LoadedModel, ModelReference } from "./api.ts";
import { ModelClient } from "./model-client.ts";
import type { LoadEvent, LoadRequest } from "./protocol.ts";
import { WorkerLink } from "./worker-link.ts";

/** Starts a worker and loads a model in it. Aborting ends the worker; what was downloaded stays stored and the next load goes on from there. */
export async function load(model: ModelReference, options: LoadOptions = {}): Promise<LoadedModel> {
  const { contextLength, context, memoryBudget, away, prefill } = options;
  const request = {
    ...toRequest(model, options),
    ...(contextLength !== undefined && { contextLength }),
    ...(context !== undefined && { context }),
    ...(memoryBudget !== undefined && { memoryBudget }),
    ...(away !== undefined && { away }),
    ...(prefill !== undefined && { prefill }),
  };
  return inWorker(options, async (link, events) => {
    const info = await link.call(async (api) => api.load(request, transfer(events, [events])));
    return new ModelClient(link, info);
  });
}

export function toRequest(model: ModelReference, { modelBase, backend }: Pick<LoadOptions, "modelBase" | "backend">): LoadRequest {
  return {
    model,
    ...(backend !== undefined && { backend }),
    ...(modelBase !== undefined && { modelBase: new URL(modelBase, document.baseURI).href }),
  };
}

/** Does what begins with a load in a worker of its own, which ends when that fails or is aborted. */
export async function inWorker<T>(
  { onProgress, onMeasure, signal }: Pick<CalibrateOptions, "onProgress" | "onMeasure" | "signal">,
  work: (link: WorkerLink, events: MessagePort) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const link = new WorkerLink();
  const { port1, port2 } = new MessageChannel();
  let settled = false;
  port1.addEventListener("message", ({ data }: MessageEvent<LoadEvent>) => {
    // The result comes by the worker's own port, and may overtake the last reports: whoever has it hears of no progress any more.
    if (settled && data.type !== "lost") return;
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
    settled = true;
    signal?.removeEventListener("abort", stop);
  }
}
