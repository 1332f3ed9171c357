import type * as onnxruntime from "onnxruntime-web/wasm";

export type OnnxRuntime = typeof onnxruntime;

/** Where ONNX Runtime and its WebAssembly come from: node.ts, web.ts. */
export interface OnnxRuntimeHost {
  /** Its JavaScript, with `env.wasm.wasmPaths` set; imported when first asked for. */
  load(): Promise<OnnxRuntime>;
  /** Whether threads may share memory: in a browser, where the page is cross-origin isolated. */
  readonly shared: boolean;
}
