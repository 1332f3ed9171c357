import type { KernelsName } from "./kernels.ts";
import type { OnnxRuntimeHost } from "./onnxruntime/host.ts";

/** What a helper thread begins with. */
export interface ThreadInit {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
}

export interface Thread {
  /** Resolves when the thread could not be started or has died; never when `terminate` ended it. */
  readonly failed: Promise<unknown>;
  terminate(): void;
}

/** What differs between a browser and Node: cores, threads and where the kernels' bytes are. */
export interface CpuHost {
  readonly cores: number;
  /** Whether threads may share memory: in a browser, where the page is cross-origin isolated. */
  readonly shared: boolean;
  /** Default: what the engine has. */
  readonly simd?: "relaxed" | "plain";
  /** @throws LongtabError `network-failed`, or `wasm-unavailable` where they are files. */
  loadKernels(name: KernelsName): Promise<BufferSource>;
  startThread(init: ThreadInit): Thread;
  /** Imported when a prompt is to be read with it. */
  onnxRuntime(): Promise<OnnxRuntimeHost>;
}
