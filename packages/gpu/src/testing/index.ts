export { openTestGpu, testBackend } from "./test-gpu.ts";
export { runKernel } from "./run-kernel.ts";
export type { KernelRun } from "./run-kernel.ts";
