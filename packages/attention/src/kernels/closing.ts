import { defineKernel } from "@longtab/gpu";
import type { Step, StorageBinding, UniformSlot } from "@longtab/gpu";
import closePageSource from "../../../../shaders/close_page.wgsl?raw";
import closedPageLibrary from "../../../../shaders/lib/closed_page.wgsl?raw";
import stepLibrary from "../../../../shaders/lib/step.wgsl?raw";
import type { CacheShape } from "../page.ts";
import type { PageStorage } from "../webgpu/storage.ts";

export const closePage = defineKernel({
  name: "close_page",
  source: [stepLibrary, closedPageLibrary, closePageSource],
  bindings: { step: "uniform", closings: "read", keys: "read", values: "read", closed: "read_write" },
  constants: ["HEAD_SIZE", "KEY_BITS", "VALUE_BITS", "BOX_RUNS", "SHRINK"],
});

/** What of a layer's pages the kernel reads and writes. */
export interface ClosingBuffers {
  /** How they are stored. */
  storage: PageStorage;
  keys: StorageBinding;
  values: StorageBinding;
  /** Records of complete pages. */
  closed: StorageBinding;
  /** [count, 2] of (open page, page of the record). */
  closings: StorageBinding;
}

/** The constants of lib/closed_page.wgsl. */
export function recordConstants(
  { headSize }: Pick<CacheShape, "headSize">,
  { keyBits, valueBits, boxRuns }: PageStorage,
): Record<"HEAD_SIZE" | "KEY_BITS" | "VALUE_BITS" | "BOX_RUNS", number> {
  return { HEAD_SIZE: headSize, KEY_BITS: keyBits, VALUE_BITS: valueBits, BOX_RUNS: boxRuns };
}

/** Makes the records of `count` complete pages of one layer. */
export function recordClosing(
  step: Step,
  shape: CacheShape,
  { storage, keys, values, closed, closings }: ClosingBuffers,
  count: number,
  uniform: UniformSlot,
): void {
  if (count === 0) return;
  step.run(closePage, { step: uniform, closings, keys, values, closed }, { ...recordConstants(shape, storage), SHRINK: storage.shrink }, [
    count,
  ]);
}
