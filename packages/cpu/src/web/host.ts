import { LongtabError } from "@longtab/errors";
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
    try {
      const response = await fetch(urls[name]);
      if (!response.ok) throw new Error(`status ${response.status}`);
      return await response.arrayBuffer();
    } catch (cause) {
      throw new LongtabError({
        code: "network-failed",
        what: "The processor's part of Longtab could not be fetched from this page's server",
        value: urls[name],
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
  readonly #worker = new Worker(new URL("./thread.ts", import.meta.url), { type: "module", name: "longtab cpu" });

  constructor(init: ThreadInit) {
    this.failed = new Promise((resolve) => this.#worker.addEventListener("error", resolve, { once: true }));
    this.#worker.postMessage(init);
  }

  terminate(): void {
    this.#worker.terminate();
  }
}
