export { CpuBackend, loadCpuBackend } from "./backend.ts";
export type { LoadCpuOptions } from "./backend.ts";
export { estimateStepSeconds } from "./estimate.ts";
export type { EstimateOptions } from "./estimate.ts";
export type { CpuHost, Thread, ThreadInit } from "./host.ts";
export type { KernelsName } from "./kernels.ts";
export { planCpuLoad } from "./plan.ts";
export type { CpuLoadPlan, CpuPlanOptions } from "./plan.ts";
