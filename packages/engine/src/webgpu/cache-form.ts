import { pageTokens } from "@longtab/attention";
import { pageBytes } from "@longtab/attention/webgpu";
import type { GpuPagePool } from "@longtab/attention/webgpu";
import type { CacheForm } from "../backend.ts";

/** A block is the pages of every layer and head in that order, of each its part of every buffer. */
export function cacheForm({ shape, storage }: GpuPagePool): CacheForm {
  const { layers, kvHeads, headSize } = shape;
  const { keyBits, valueBits, boxRuns, shrink } = storage;
  const precision = `f16, then ${keyBits} and ${valueBits} bits, ${boxRuns} boxes shrunk by ${shrink}`;
  return { precision, layers, kvHeads, headSize, blockTokens: pageTokens, pageBytes: pageBytes(shape, storage) };
}
