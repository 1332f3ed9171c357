export { layerCache } from "./layer.ts";
export type { LayerCache } from "./layer.ts";
export { GpuPagePool, pageBytes } from "./pool.ts";
export type { GpuTable } from "./table.ts";
export { partialsLength, splitsOf, planAttention, recordAttention } from "../kernels/attention.ts";
export type { AttentionBuffers, AttentionPlan } from "../kernels/attention.ts";
