import type { LongtabError } from "@longtab/errors";
import { findBlock, policyError } from "./policy.ts";

/**
 * Starts a worker whose script may lie on another origin than the page. Browsers start workers only from scripts of the page's own origin, but
 * scripts may import modules from anywhere: so there the worker is a Blob that imports the script, which finds its own parts by import.meta.url.
 *
 * @param create a function that only says `new Worker(new URL(..., import.meta.url), { type: "module" })`, in just these words: bundlers look for
 * them, and what they make of the address is known only when the call is made.
 */
export function startWorker(create: () => Worker): Worker {
  const { Worker: Native } = globalThis;
  globalThis.Worker = class extends Native {
    constructor(script: string | URL, options?: WorkerOptions) {
      if (!isForeign(script)) {
        super(script, options);
        return;
      }
      const blob = blobUrl(importing(String(script)));
      super(blob, options);
      foreign.set(this, String(script));
      // The browser has taken hold of the Blob by the time that the worker says anything; without an answer it goes with the page.
      this.addEventListener("message", () => URL.revokeObjectURL(blob), { once: true });
    }
  };
  try {
    return create();
  } finally {
    globalThis.Worker = Native;
  }
}

/** Scripts of workers that were started from a Blob. */
const foreign = new WeakMap<Worker, string>();

/**
 * A script that imports another, and gives it the messages that come before it is there. The import is a dynamic one, which is the policy's
 * script-src to allow: Chromium asks worker-src about a worker's static imports.
 */
function importing(script: string): string {
  return `const early = [];
    const keep = (event) => early.push(event);
    addEventListener("message", keep);
    import(${JSON.stringify(script)}).then(() => {
      removeEventListener("message", keep);
      for (const { data, ports } of early) dispatchEvent(new MessageEvent("message", { data, ports }));
    }, reportError);`;
}

/** Why a worker failed to start, where the page's policy is to blame. */
export async function explainWorker(worker: Worker): Promise<LongtabError | undefined> {
  const script = foreign.get(worker);
  return (await findBlock("worker-src")) ?? (script === undefined ? undefined : findBlockedImport(script));
}

/** Milliseconds after which an import that has not failed is taken to work. */
const importWait = 3000;

/** Only the worker itself hears that its policy forbids an import: so a second one tries it, and listens. */
async function findBlockedImport(script: string): Promise<LongtabError | undefined> {
  const text = `addEventListener("securitypolicyviolation", (event) => postMessage(event.blockedURI));
    import(${JSON.stringify(script)}).catch(() => setTimeout(postMessage, 50, ""));`;
  const blob = blobUrl(text);
  const worker = new Worker(blob, { type: "module" });
  try {
    const blocked = await new Promise<unknown>((resolve) => {
      worker.addEventListener("message", ({ data }: MessageEvent<unknown>) => resolve(data), { once: true });
      worker.addEventListener("error", resolve, { once: true });
      setTimeout(resolve, importWait);
    });
    return typeof blocked === "string" && blocked !== "" ? policyError("script-src", blocked) : undefined;
  } finally {
    worker.terminate();
    URL.revokeObjectURL(blob);
  }
}

function isForeign(script: string | URL): boolean {
  const { protocol, origin } = new URL(script, globalThis.document?.baseURI ?? globalThis.location.href);
  return protocol !== "blob:" && protocol !== "data:" && origin !== globalThis.origin;
}

function blobUrl(text: string): string {
  return URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
}
