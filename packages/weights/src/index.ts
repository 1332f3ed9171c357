export type * from "./contract.ts";
export type { RetryPolicy } from "./download.ts";
export { estimateStorage, megabytes, persistStorage } from "./quota.ts";
export { HUB_BASE, type HubFile, type ReferenceOptions, hubUrl, parseModelReference } from "./reference.ts";
export { WeightStore, type WeightStoreOptions } from "./store.ts";
