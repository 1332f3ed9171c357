import type { HeadMap } from "./head-map.ts";
import type { PolicyName } from "./policies/policy.ts";

/** How a layer stores keys and values once a page is complete: keys, then values. "f16" is full precision: 16-bit keys, and what a backend has for values. */
export type LayerPrecision = "f16" | "kv8" | "k8v4" | "kv4";

/** What a head map may say of a layer: complete pages move to a closed form in all layers or in none. */
export type MappedPrecision = Exclude<LayerPrecision, "f16">;

/** One precision for all layers, or "mixed": each layer has its own, as the head map says. */
export type KvPrecision = LayerPrecision | "mixed";

export const mappedPrecisions: readonly MappedPrecision[] = ["kv8", "k8v4", "kv4"];
export const kvPrecisions: readonly KvPrecision[] = ["f16", ...mappedPrecisions, "mixed"];

/** What decides how keys and values are stored. */
export interface PrecisionOptions {
  policy?: PolicyName | undefined;
  kv?: KvPrecision | undefined;
  headMap?: HeadMap | undefined;
}

/**
 * The precision that options come to. Unless told otherwise dense attention keeps all it has, for others are measured against it; the others keep
 * 8 bits, which no measurement tells from full precision and which take half the room. So does "mixed" where no map says what each layer needs.
 */
export function kvPrecisionOf({ policy, kv = policy === "dense" ? "f16" : "kv8", headMap }: PrecisionOptions): KvPrecision {
  return kv === "mixed" && !headMap?.precision ? "kv8" : kv;
}

/** The precision of each of so many layers. */
export function layerPrecisions(options: PrecisionOptions, layers: number): LayerPrecision[] {
  const precision = kvPrecisionOf(options);
  return Array.from({ length: layers }, (_, layer) => (precision === "mixed" ? (options.headMap?.precision?.[layer] ?? "kv8") : precision));
}

/** What is so in each layer, in words: once where all layers are alike. */
export function wordsOfLayers(words: readonly string[]): string {
  return new Set(words).size === 1 ? (words[0] ?? "") : words.join(", ");
}
