import { createPolicy, kvPrecisionOf, listCapacity, meetsFar, planPages } from "@longtab/attention";
import type { ContextOptions, KvPrecision, PageCounts, Policy } from "@longtab/attention";
import { LongtabError } from "@longtab/errors";
import type { ModelFile, TensorInfo, TensorType } from "@longtab/formats";
import { cacheShape, checkContextLength, farBudget, findTensors, largestContext, mostWindows, readConfig } from "@longtab/model";
import type { ModelConfig, ModelTensors } from "@longtab/model";
import { storedForm, tilesBytes } from "./forms.ts";
import { landmarksBytes, pageKind, pagesBytes, tableBytes, turnsBytes } from "./kv/index.ts";
import { maxStepTokens, scratchBytes } from "./scratch.ts";

/** What 32-bit addresses reach, less a margin for gaps between regions. */
const addressable = 4 * 2 ** 30 - 16 * 2 ** 20;

/** Forks of a timeline that pages are planned for; ends of earlier turns give way where there is no room. */
const plannedForks = 4;

/** What loading a file on the CPU will take, known before a byte of weights is read. */
export interface CpuLoadPlan {
  config: ModelConfig;
  tensors: ModelTensors;
  /** What attention reads and what is kept, unless a timeline is given another policy. */
  policy: Policy;
  precision: KvPrecision;
  /** Tokens that a head keeps at most: with "dense", the tokens that a timeline can hold. */
  contextLength: number;
  /** Most pages of all layers. */
  pages: PageCounts;
  /** Bytes of WASM memory. `kvBudget` is what the cache may grow to. */
  memory: { weights: number; scratch: number; kvBudget: number };
  /** Types of the file that are not stored exactly, and how far off their weights may be. */
  roundings: { type: TensorType; error: string }[];
}

export interface CpuPlanOptions {
  /** Tokens; the default is the trained window, more with far memory, or what the memory can hold. */
  contextLength?: number | undefined;
  /** Default: dense. */
  context?: ContextOptions | undefined;
  /** Bytes that the cache may take; the default is what `contextLength` needs. */
  memoryBudget?: number | undefined;
}

/**
 * Plans the memory of a model on the CPU.
 * @throws LongtabError as `readConfig`, `findTensors` and `createPolicy` do, `unsupported-type`, `invalid-option` for an impossible context,
 * `out-of-memory` where 32-bit addresses or the budget cannot hold it; it says what would fit.
 */
export function planCpuLoad(
  file: ModelFile,
  { contextLength, context = { policy: "dense" }, memoryBudget }: CpuPlanOptions = {},
): CpuLoadPlan {
  const config = readConfig(file);
  const tensors = findTensors(file, config);
  const shape = cacheShape(config);
  const trained = config.contextLength;
  const { policy: name = "auto" } = context;
  const precision = kvPrecisionOf(context);
  const keepsFar = name === "auto" || name === "far";
  const limit = keepsFar ? mostWindows * trained : trained;
  checkContextLength(contextLength, limit);
  const matrices = matricesOf(tensors);
  const weights =
    matrices.reduce((sum, tensor) => sum + tilesBytes(tensor), 0) +
    [tensors.outputNorm, ...tensors.layers.flatMap((layer) => [layer.attentionNorm, layer.ffnNorm])].reduce(
      (sum, { byteLength }) => sum + byteLength,
      0,
    );
  const plan = (tokens: number): Pick<CpuLoadPlan, "policy" | "pages" | "memory"> => {
    const policy = createPolicy(context, { trained, keeps: tokens });
    const closes = precision !== "f16";
    const byLayer = planPages(shape, policy, {
      maxTokens: tokens,
      maxStep: maxStepTokens,
      closes,
      forks: policy.endless ? plannedForks : 0,
    });
    const pages = byLayer.reduce((sum, { open, closed }) => ({ open: sum.open + open, closed: sum.closed + closed }));
    const capacity = listCapacity(shape, policy, tokens, maxStepTokens);
    const turns = meetsFar(policy) ? turnsBytes(shape.headSize, tokens) : 0;
    const kind = pageKind(precision, policy.selection);
    const tables = tableBytes(shape, capacity) + landmarksBytes(shape, policy, capacity, kind) + turns;
    const kvBudget = pagesBytes(shape, pages, kind) + tables;
    return { policy, pages, memory: { weights, scratch: scratchBytes(config, { capacity, selection: policy.selection }), kvBudget } };
  };
  const budget = memoryBudget ?? (keepsFar && contextLength === undefined ? farBudget : Infinity);
  const most = largestContext(
    limit,
    plan,
    ({ memory: { scratch, kvBudget } }) => weights + scratch + kvBudget <= addressable && kvBudget <= budget,
  );
  if (most === 0 || (contextLength ?? 0) > most) throw tooLarge(plan(contextLength ?? 1).memory, most, budget);
  const tokens = contextLength ?? most;
  const types = new Set(matrices.map(({ type }) => type));
  const roundings = [...types].flatMap((type) => {
    const { error } = storedForm(type);
    return error === undefined ? [] : [{ type, error }];
  });
  return { config, tensors, ...plan(tokens), precision, contextLength: tokens, roundings };
}

function tooLarge({ weights, scratch, kvBudget }: CpuLoadPlan["memory"], most: number, budget: number): LongtabError {
  const own = weights + scratch + kvBudget <= addressable;
  return new LongtabError({
    code: "out-of-memory",
    what: own
      ? "The context takes more memory than its budget"
      : most === 0
        ? "The model is larger than what the browser's processor path can address"
        : "The context is longer than what the browser's processor path can address beside the weights",
    value: own ? kvBudget : weights + scratch + kvBudget,
    limit: own ? budget : addressable,
    remedy: most > 0 ? `choose a context of at most ${most} tokens` : own ? "choose a larger budget" : "choose a smaller model",
  });
}

function matricesOf(tensors: ModelTensors): TensorInfo[] {
  return [tensors.embedding, ...(tensors.head ? [tensors.head] : []), ...layerMatrices(tensors)];
}

/** The matrices of all layers: what a prompt's rows meet. */
export function layerMatrices({ layers }: ModelTensors): TensorInfo[] {
  return layers.flatMap(({ query, key, value, attentionOutput, gate, up, down }) => [query, key, value, attentionOutput, gate, up, down]);
}
