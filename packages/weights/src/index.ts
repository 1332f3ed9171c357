export type * from "./contract.ts";
export type { RetryPolicy } from "./download.ts";
export { sha256 } from "./sha256.ts";
export { estimateStorage, megabytes, persistStorage } from "./quota.ts";
export { HUB_BASE, type HubFile, type ReferenceOptions, hubUrl, parseModelReference } from "./reference.ts";
export { WeightStore, type WeightStoreOptions } from "./store.ts";
