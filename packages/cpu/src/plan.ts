import { pagesFor } from "@longtab/attention";
import { LongtabError } from "@longtab/errors";
import type { ModelFile, TensorInfo, TensorType } from "@longtab/formats";
import { cacheShape, checkContextLength, findTensors, readConfig } from "@longtab/model";
import type { ModelConfig, ModelTensors } from "@longtab/model";
import { storedForm, tilesBytes } from "./forms.ts";
import { cacheBytes, tableBytes } from "./kv/index.ts";
import { scratchBytes } from "./scratch.ts";

/** What 32-bit addresses reach, less a margin for gaps between regions. */
const addressable = 4 * 2 ** 30 - 16 * 2 ** 20;

/** What loading a file on the CPU will take, known before a byte of weights is read. */
export interface CpuLoadPlan {
  config: ModelConfig;
  tensors: ModelTensors;
  /** Tokens of context that one timeline can hold. */
  contextLength: number;
  /** Bytes of WASM memory. `kvBudget` is what the cache may grow to. */
  memory: { weights: number; scratch: number; kvBudget: number };
  /** Types of the file that are not stored exactly, and how far off their weights may be. */
  roundings: { type: TensorType; error: string }[];
}

export interface CpuPlanOptions {
  /** Tokens; the default is the trained window, or what the memory can hold. */
  contextLength?: number | undefined;
}

/**
 * Plans the memory of a model on the CPU.
 * @throws LongtabError as `readConfig` and `findTensors` do, `unsupported-type`, `invalid-option` for an impossible context, `out-of-memory`
 * where 32-bit addresses cannot hold it; it says what would fit.
 */
export function planCpuLoad(file: ModelFile, { contextLength }: CpuPlanOptions = {}): CpuLoadPlan {
  const config = readConfig(file);
  const tensors = findTensors(file, config);
  checkContextLength(contextLength, config);
  const matrices = matricesOf(tensors);
  const weights =
    matrices.reduce((sum, tensor) => sum + tilesBytes(tensor), 0) +
    [tensors.outputNorm, ...tensors.layers.flatMap((layer) => [layer.attentionNorm, layer.ffnNorm])].reduce(
      (sum, { byteLength }) => sum + byteLength,
      0,
    );
  const cost = (tokens: number): { scratch: number; kvBudget: number } => ({
    scratch: scratchBytes(config, tokens),
    kvBudget: cacheBytes(cacheShape(config), tokens) + tableBytes(cacheShape(config), pagesFor(tokens)),
  });
  const bytes = (tokens: number): number => {
    const { scratch, kvBudget } = cost(tokens);
    return weights + scratch + kvBudget;
  };
  const most = largest(config.contextLength, (tokens) => bytes(tokens) <= addressable);
  if (most === 0 || (contextLength ?? 0) > most) {
    throw new LongtabError({
      code: "out-of-memory",
      what:
        most === 0
          ? "The model is larger than what the browser's processor path can address"
          : "The context is longer than what the browser's processor path can address beside the weights",
      value: bytes(contextLength ?? 1),
      limit: addressable,
      remedy: most === 0 ? "choose a smaller model" : `choose a context of at most ${most} tokens`,
    });
  }
  const tokens = contextLength ?? most;
  const types = new Set(matrices.map(({ type }) => type));
  const roundings = [...types].flatMap((type) => {
    const { error } = storedForm(type);
    return error === undefined ? [] : [{ type, error }];
  });
  return { config, tensors, contextLength: tokens, memory: { weights, ...cost(tokens) }, roundings };
}

function matricesOf(tensors: ModelTensors): TensorInfo[] {
  return [tensors.embedding, ...(tensors.head ? [tensors.head] : []), ...layerMatrices(tensors)];
}

/** The matrices of all layers: what a prompt's rows meet. */
export function layerMatrices({ layers }: ModelTensors): TensorInfo[] {
  return layers.flatMap(({ query, key, value, attentionOutput, gate, up, down }) => [query, key, value, attentionOutput, gate, up, down]);
}

/** The largest number up to `limit` that fits; 0 where none does. What fits a number fits smaller ones. */
function largest(limit: number, fits: (value: number) => boolean): number {
  let [low, high] = [0, limit];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
