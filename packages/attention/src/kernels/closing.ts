import { defineKernel } from "@longtab/gpu";
import type { Step, StorageBinding } from "@longtab/gpu";
import closePageSource from "../../../../shaders/close_page.wgsl?raw";
import closedPageLibrary from "../../../../shaders/lib/closed_page.wgsl?raw";
import type { CacheShape } from "../page.ts";
import type { PageStorage } from "../webgpu/storage.ts";

export const closePage = defineKernel({
  name: "close_page",
  source: [closedPageLibrary, closePageSource],
  bindings: { closings: "read", keys: "read", values: "read", closed: "read_write" },
  constants: ["HEAD_SIZE", "KEY_BITS", "VALUE_BITS", "BOX_RUNS", "SHRINK"],
});

/** Share of a box's width that is kept about the mean of its run: half-way ranks runs best; 1, for whole pages, is Quest's own rule. */
const shrink = 0.5;

/** What of a layer's pages the kernel reads and writes. */
export interface ClosingBuffers {
  keys: StorageBinding;
  values: StorageBinding;
  /** Records of complete pages. */
  closed: StorageBinding;
  /** [count, 2] of (open page, page of the record). */
  closings: StorageBinding;
}

/** The constants of lib/closed_page.wgsl. */
export function recordConstants(
  { headSize }: CacheShape,
  { keyBits, valueBits, boxRuns }: PageStorage,
): Record<"HEAD_SIZE" | "KEY_BITS" | "VALUE_BITS" | "BOX_RUNS", number> {
  return { HEAD_SIZE: headSize, KEY_BITS: keyBits, VALUE_BITS: valueBits, BOX_RUNS: boxRuns };
}

/** Makes the records of `count` complete pages of one layer. */
export function recordClosing(step: Step, shape: CacheShape, storage: PageStorage, buffers: ClosingBuffers, count: number): void {
  if (count === 0) return;
  const SHRINK = storage.boxRuns === 1 ? 1 : shrink;
  step.run(closePage, { ...buffers }, { ...recordConstants(shape, storage), SHRINK }, [count]);
}
