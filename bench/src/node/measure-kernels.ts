import type { AdapterReport } from "@longtab/gpu";
import { defaultTuning } from "@longtab/model";
import type { AdapterLimits, ProductFigures } from "../matmul.ts";
import { measureProducts, modelProducts } from "../matmul.ts";
import { openNodeDevice } from "./open-backend.ts";

export interface KernelFigures {
  adapter: AdapterReport;
  limits: AdapterLimits;
  products: ProductFigures[];
}

/** The model's matrix products, for one token and (unless a quick look is wanted) for a chunk of a prompt, against the adapter's limits. */
export async function measureKernels({ quick }: { quick: boolean }): Promise<KernelFigures> {
  const gpu = await openNodeDevice();
  const shapes = [...modelProducts(1), ...(quick ? [] : modelProducts(128))];
  const figures = await measureProducts(gpu, defaultTuning(gpu.report), shapes);
  gpu.dispose();
  return { adapter: gpu.report, ...figures };
}
