export { attend } from "../kernels/attention.reference.ts";
export type { ReferenceToken } from "../kernels/attention.reference.ts";
export { describeKvCache } from "./kv-cache.ts";
