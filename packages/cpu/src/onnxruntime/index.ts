export { choosePrefill, withoutOnnxRuntime } from "./choose.ts";
export type { PrefillFacts } from "./choose.ts";
export type { OnnxRuntimeHost } from "./host.ts";
export { openProducts } from "./products.ts";
export type { Products } from "./products.ts";
export { stackedMatrix } from "./rows.ts";
export type { ProductMatrix } from "./rows.ts";
