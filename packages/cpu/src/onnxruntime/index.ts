export { choosePrefill, withoutOnnxRuntime } from "./choose.ts";
export type { PrefillChoice, PrefillFacts } from "./choose.ts";
export type { OnnxRuntimeHost } from "./host.ts";
export { openProducts } from "./products.ts";
export type { OpenProductsOptions, Products } from "./products.ts";
export { stackedMatrix } from "./rows.ts";
export type { ProductMatrix } from "./rows.ts";
