import { availableParallelism } from "node:os";
import type { WllamaOptions } from "../../page/wllama.ts";
import { mostUnthreaded } from "../options.ts";

const threads = availableParallelism();
const everyLayer = 999;

/** A way of running wllama. */
export interface WllamaMode {
  name: string;
  /** Shared memory, and so threads, need cross-origin isolation. */
  isolated: boolean;
  options: Omit<WllamaOptions, "n_ctx">;
  /** Tokens of the longest prompt that it is asked to read. */
  mostTokens: number;
}

const wllamaWebGpu: WllamaMode = {
  name: "wllama, WebGPU",
  isolated: true,
  // With the default micro-batch of 512 a prompt of 1024 tokens runs into wllama's limit of 30 s a wait on slow adapters, and aborts.
  options: { n_gpu_layers: everyLayer, n_threads: threads, n_batch: 128, n_ubatch: 128 },
  mostTokens: Infinity,
};

const wllamaThreads: WllamaMode = {
  name: `wllama, WASM, ${threads} threads`,
  isolated: true,
  options: { n_gpu_layers: 0, n_threads: threads },
  mostTokens: Infinity,
};

const wllamaOpen: WllamaMode = {
  name: "wllama, WASM, not isolated",
  isolated: false,
  options: { n_gpu_layers: 0 },
  mostTokens: mostUnthreaded,
};

/** A way of running Longtab, and whom it is compared with; its own kind of peer first. */
export interface LongtabMode {
  name: string;
  isolated: boolean;
  backend: "cpu" | "webgpu";
  peers: readonly [WllamaMode, ...WllamaMode[]];
}

export const longtabThreads: LongtabMode = {
  name: `Longtab, cpu, ${threads} threads`,
  isolated: true,
  backend: "cpu",
  peers: [wllamaThreads],
};

export const longtabOpen: LongtabMode = {
  name: "Longtab, cpu, not isolated",
  isolated: false,
  backend: "cpu",
  peers: [wllamaOpen],
};

export const longtabWebGpu: LongtabMode = {
  name: "Longtab, WebGPU",
  isolated: true,
  backend: "webgpu",
  peers: [wllamaWebGpu, wllamaThreads, wllamaOpen],
};

export const longtabModes: readonly LongtabMode[] = [longtabThreads, longtabOpen, longtabWebGpu];
