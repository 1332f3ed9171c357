import { LongtabError } from "@longtab/errors";
import { findBlock, startWorker } from "@longtab/origin";
import plain from "../../wasm/kernels.wasm?url";
import plainThreads from "../../wasm/kernels-threads.wasm?url";
import relaxed from "../../wasm/kernels-relaxed.wasm?url";
import relaxedThreads from "../../wasm/kernels-relaxed-threads.wasm?url";
import type { CpuHost, Thread, ThreadInit } from "../host.ts";
import type { KernelsName } from "../kernels.ts";

const urls: Readonly<Record<KernelsName, string>> = {
  kernels: plain,
  "kernels-threads": plainThreads,
  "kernels-relaxed": relaxed,
  "kernels-relaxed-threads": relaxedThreads,
};

/** A worker of a browser's page; threads are workers of their own below it. */
export const webHost: CpuHost = {
  get cores() {
    return navigator.hardwareConcurrency;
  },
  get shared() {
    return globalThis.crossOriginIsolated && typeof SharedArrayBuffer !== "undefined";
  },
  async loadKernels(name) {
    // Not to the worker's own address, which is a Blob's where the script is of another origin.
    const url = new URL(urls[name], import.meta.url).href;
    try {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`status ${response.status}`);
      return await response.arrayBuffer();
    } catch (cause) {
      const blocked = await findBlock("connect-src", url);
      if (blocked) throw blocked;
      throw new LongtabError({
        code: "network-failed",
        what: "The processor's part of Longtab could not be fetched from this page's server",
        value: url,
        remedy: "check the connection and load the model again",
        cause,
      });
    }
  },
  startThread: (init) => new WebThread(init),
  onnxRuntime: async () => (await import("../onnxruntime/web.ts")).webOnnxRuntime,
};

class WebThread implements Thread {
  readonly failed: Promise<unknown>;
  readonly #worker = startWorker(() => new Worker(new URL("./thread.ts", import.meta.url), { type: "module", name: "longtab cpu" }));

  constructor(init: ThreadInit) {
    this.failed = new Promise((resolve) => this.#worker.addEventListener("error", resolve, { once: true }));
    this.#worker.postMessage(init);
  }

  terminate(): void {
    this.#worker.terminate();
  }
}
