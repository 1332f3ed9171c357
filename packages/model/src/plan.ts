import { pageTokens } from "@longtab/attention";
import type { CacheShape } from "@longtab/attention";
import { pageBytes } from "@longtab/attention/webgpu";
import { LongtabError } from "@longtab/errors";
import type { ModelFile } from "@longtab/formats";
import { readConfig } from "./config.ts";
import type { ModelConfig } from "./config.ts";
import { scratchBytes } from "./scratch.ts";
import { findTensors } from "./tensors.ts";
import { planWeight } from "./weights/plan.ts";
import type { BufferLimits } from "./weights/plan.ts";

/** What every WebGPU device offers; plans that fit it fit everywhere. */
export const defaultLimits: BufferLimits = { maxBufferSize: 256 * 2 ** 20, maxStorageBufferBindingSize: 128 * 2 ** 20 };

/** What loading a file will take, known before a byte of weights is read. */
export interface LoadPlan {
  config: ModelConfig;
  /** Tokens of context that one timeline can hold. */
  contextLength: number;
  /** Bytes on the device. `kvBudget` is what the cache may grow to. */
  memory: { weights: number; scratch: number; kvBudget: number };
}

export interface PlanOptions {
  /** Tokens; the default is the trained window, or what a layer's cache can bind. */
  contextLength?: number | undefined;
  limits?: BufferLimits;
}

/**
 * Plans the memory of a model.
 * @throws LongtabError as `readConfig` and `findTensors` do, `invalid-option` for an impossible context, `device-limit` where the device is too small.
 */
export function planLoad(file: ModelFile, { contextLength, limits = defaultLimits }: PlanOptions = {}): LoadPlan {
  const config = readConfig(file);
  const tensors = findTensors(file, config);
  const shape = cacheShape(config);
  const bindable = Math.floor(limits.maxStorageBufferBindingSize / (pageBytes(shape) * shape.kvHeads)) * pageTokens;
  checkContextLength(contextLength, config);
  if (contextLength !== undefined && contextLength > bindable) {
    throw new LongtabError({
      code: "device-limit",
      what: "The context is longer than this GPU can bind for one layer",
      value: contextLength,
      limit: bindable,
      remedy: `choose at most ${bindable} tokens`,
    });
  }
  const tokens = contextLength ?? Math.min(config.contextLength, bindable);
  // Stacked as `uploadModel` stacks them.
  const matrices = [
    [tensors.embedding],
    ...(tensors.head ? [[tensors.head]] : []),
    ...tensors.layers.flatMap((layer) => [
      [layer.query, layer.key, layer.value],
      [layer.attentionOutput],
      [layer.gate, layer.up],
      [layer.down],
    ]),
  ];
  const vectors = [tensors.outputNorm, ...tensors.layers.flatMap((layer) => [layer.attentionNorm, layer.ffnNorm])];
  const weights =
    matrices.reduce((sum, parts) => sum + planWeight(parts, limits).bytes, 0) +
    vectors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const pages = Math.ceil(tokens / pageTokens) * shape.kvHeads;
  return {
    config,
    contextLength: tokens,
    memory: { weights, scratch: scratchBytes(config, tokens), kvBudget: shape.layers * pages * 2 * pageBytes(shape) },
  };
}

export function cacheShape({ layers, heads, kvHeads, headSize }: ModelConfig): CacheShape {
  return { layers, heads, kvHeads, headSize };
}

/** @throws LongtabError `invalid-option` for a context, in tokens, that the model was not trained for. */
export function checkContextLength(contextLength: number | undefined, { contextLength: limit }: ModelConfig): void {
  if (contextLength === undefined || (Number.isInteger(contextLength) && contextLength >= 1 && contextLength <= limit)) return;
  throw new LongtabError({
    code: "invalid-option",
    what: "The context length must be a whole number of tokens within the trained window",
    value: contextLength,
    limit,
    remedy: `choose 1 to ${limit}`,
  });
}
