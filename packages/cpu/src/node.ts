import { LongtabError } from "@longtab/errors";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { CpuHost, Thread, ThreadInit } from "./host.ts";

/** All that a thread does, as text: a bundled program has no file of its own for it. */
const thread = `
const { workerData: { module, memory } } = require("node:worker_threads");
WebAssembly.instantiate(module, { env: { memory } }).then(({ exports }) => exports.join());
`;

/** Node; threads are worker_threads. `kernelsFolder`: where the compiled kernels (packages/cpu/wasm) are. */
export function nodeHost(kernelsFolder: string): CpuHost {
  return {
    cores: availableParallelism(),
    shared: true,
    loadKernels: (name) => readKernels(join(kernelsFolder, `${name}.wasm`)),
    startThread: (init) => new NodeThread(init),
    onnxRuntime: async () => (await import("./onnxruntime/node.ts")).nodeOnnxRuntime,
  };
}

async function readKernels(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new LongtabError({
      code: "wasm-unavailable",
      what: "The processor's compiled kernels cannot be read",
      value: path,
      remedy: "build them: node scripts/build-kernels.mjs",
      cause,
    });
  }
}

class NodeThread implements Thread {
  readonly failed: Promise<unknown>;
  readonly #worker: Worker;

  constructor(init: ThreadInit) {
    this.#worker = new Worker(thread, { eval: true, workerData: init, name: "longtab cpu" });
    this.failed = new Promise((resolve) => this.#worker.once("error", resolve));
    // A process may end while a model is loaded.
    this.#worker.unref();
  }

  terminate(): void {
    void this.#worker.terminate();
  }
}
