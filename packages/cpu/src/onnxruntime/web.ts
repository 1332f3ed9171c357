import glue from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import type { OnnxRuntimeHost } from "./host.ts";

/** A worker of a browser's page; ONNX Runtime's files are the page's own assets, fetched when they are first needed. */
export const webOnnxRuntime: OnnxRuntimeHost = {
  get shared() {
    return globalThis.crossOriginIsolated && typeof SharedArrayBuffer !== "undefined";
  },
  async load() {
    const runtime = await import("onnxruntime-web/wasm");
    runtime.env.wasm.wasmPaths = { mjs: new URL(glue, import.meta.url).href, wasm: new URL(wasm, import.meta.url).href };
    return runtime;
  },
};
