import type { ByteSource } from "@longtab/formats";
import { storedForm } from "./forms.ts";
import { choosePrefill, withoutOnnxRuntime } from "./onnxruntime/choose.ts";
import type { PrefillChoice } from "./onnxruntime/choose.ts";
import { layerMatrices } from "./plan.ts";
import type { CpuLoadPlan } from "./plan.ts";
import { PromptProducts } from "./prompt-products.ts";
import type { PromptProductsOptions } from "./prompt-products.ts";
import type { Started } from "./start.ts";

export interface PrefillOptions extends PromptProductsOptions {
  prefill?: "auto" | "own" | "onnxruntime" | undefined;
}

/** What a tab may take where nobody says how much memory the device has. */
const tabBytes = 2 * 2 ** 30;

/** ONNX Runtime where it is wanted and wins, or why not. */
export async function openPrefill(
  plan: CpuLoadPlan,
  { simd }: Pick<Started, "simd">,
  source: ByteSource,
  { prefill = "auto", host, threads, signal }: PrefillOptions,
): Promise<{ products?: PromptProducts; choice: PrefillChoice }> {
  const { weights, scratch, kvBudget } = plan.memory;
  const sizes = { 4: 0, 8: 0 };
  for (const { type, shape } of layerMatrices(plan.tensors)) sizes[storedForm(type).bits] += (shape[0] ?? 0) * (shape[1] ?? 0);
  const choice = choosePrefill({
    wanted: prefill,
    simd,
    weightBits: sizes[4] >= sizes[8] ? 4 : 8,
    copyBytes: sizes[4] + sizes[8],
    freeBytes: Math.max(0, tabBytes - weights - scratch - kvBudget),
  });
  if (choice.engine === "own") return { choice };
  try {
    return { products: await PromptProducts.open(plan, source, { host, threads, signal }), choice };
  } catch (error) {
    return { choice: withoutOnnxRuntime(error) };
  }
}
