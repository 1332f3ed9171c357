import { pageTokens, wordsOfLayers } from "@longtab/attention";
import { pageBytes } from "@longtab/attention/webgpu";
import type { GpuPagePool } from "@longtab/attention/webgpu";
import type { CacheForm } from "../backend.ts";

/** A block is the pages of every layer and head in that order, of each its part of every buffer. */
export function cacheForm({ shape, storages }: GpuPagePool): CacheForm {
  const { layers, kvHeads, headSize } = shape;
  const words = storages.map(
    ({ keyBits, valueBits, boxRuns, shrink }) => `${keyBits} and ${valueBits} bits, ${boxRuns} boxes shrunk by ${shrink}`,
  );
  const sizes = storages.map((storage) => pageBytes(shape, storage));
  return {
    precision: `f16, then ${wordsOfLayers(words)}`,
    layers,
    kvHeads,
    headSize,
    blockTokens: pageTokens,
    pageBytes: { open: sizes[0]?.open ?? 0, closed: sizes.map(({ closed }) => closed) },
  };
}
