import type { TinyModelOptions } from "@longtab/formats/testing";
import type { Gpu } from "@longtab/gpu";
import { openTestGpu } from "@longtab/gpu/testing";
import { loadWebGpuBackend } from "../src/index.ts";
import type { WebGpuBackend } from "../src/index.ts";
import { loadTiny as loadTinyOn } from "../src/testing/index.ts";
import type { TestedBackend, TinyEngine as TinyEngineOn } from "../src/testing/index.ts";
import { BorrowedGpu } from "./borrowed-gpu.ts";

export { answer, argmax, greedy } from "../src/testing/index.ts";

export type TinyEngine = TinyEngineOn<WebGpuBackend>;

/** The WebGPU backend on the test process's device, or on one of its own. */
export function webGpu(gpu?: Gpu): TestedBackend<WebGpuBackend> {
  return {
    load: async (file, source, options) => loadWebGpuBackend(gpu ?? new BorrowedGpu(await openTestGpu()), file, source, options),
    shortenChunks: (backend) => void (backend.prefillRate = 1),
    // Sums in another order, and now and then a key that rounds to the neighbouring f16.
    tolerance: 4e-3,
  };
}

export function loadTiny(options?: TinyModelOptions, gpu?: Gpu): Promise<TinyEngine> {
  return loadTinyOn(webGpu(gpu), options);
}
