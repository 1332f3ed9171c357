import type { OnnxRuntimeHost } from "./host.ts";

/** Node's own build of the same package, which finds its files beside itself. */
export const nodeOnnxRuntime: OnnxRuntimeHost = {
  shared: true,
  load: () => import("onnxruntime-web"),
};
