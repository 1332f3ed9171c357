export { entryWords, pageTokens } from "./page.ts";
export type { CacheShape, HeadPage } from "./page.ts";
export { FreePages, pagesExceeded } from "./pool.ts";
export type { LayerTable, PagePool } from "./pool.ts";
export { KvCache } from "./cache.ts";
export { dense } from "./policies/dense.ts";
export type { ListWriter, Policy } from "./policies/policy.ts";
export { rotationTable } from "./rotation.ts";
export type { RotarySpec } from "./rotation.ts";
