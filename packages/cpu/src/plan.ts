import {
  createPolicy,
  kvPrecisionOf,
  layerPrecisions,
  listCapacity,
  meetsFar,
  outsideRoom,
  pageTokens,
  planPages,
  planStubs,
} from "@longtab/attention";
import type { AwayPlaces, CacheShape, ContextOptions, KvPrecision, PageCounts, Policy, SlabDisk } from "@longtab/attention";
import { LongtabError } from "@longtab/errors";
import type { ModelFile, TensorInfo, TensorType } from "@longtab/formats";
import {
  cacheShape,
  checkContextLength,
  farBudget,
  findTensors,
  largestContext,
  mostWindows,
  planPooled,
  readConfig,
} from "@longtab/model";
import type { ModelConfig, ModelTensors } from "@longtab/model";
import { storedForm, tilesBytes } from "./forms.ts";
import { completeBytes, landmarksBytes, pageKinds, pagesBytes, stubBytes, tableBytes, turnsBytes } from "./kv/index.ts";
import type { PageKind } from "./kv/index.ts";
import { maxStepTokens, scratchBytes } from "./scratch.ts";

/** What 32-bit addresses reach, less a margin for gaps between regions. */
const addressable = 4 * 2 ** 30 - 16 * 2 ** 20;

/** Forks of a timeline that pages are planned for; ends of earlier turns give way where there is no room. */
const plannedForks = 4;

type CachePlan = Pick<CpuLoadPlan, "policy" | "kinds" | "pages" | "memory"> & { stubs: number };

/** What loading a file on the CPU will take, known before a byte of weights is read. */
export interface CpuLoadPlan {
  config: ModelConfig;
  tensors: ModelTensors;
  /** What attention reads and what is kept, unless a timeline is given another policy. */
  policy: Policy;
  precision: KvPrecision;
  /** What the pages of each layer are. */
  kinds: readonly PageKind[];
  /** Tokens that a head keeps at most: with "dense", the tokens that a timeline can hold. */
  contextLength: number;
  /** Most pages of each layer, and stubs of all those that are away. */
  pages: { layers: readonly PageCounts[]; stubs: number };
  /** Bytes of WASM memory. `kvBudget` is what the cache may grow to; `away`: bytes that pages may take beside it, on a disk too. */
  memory: { weights: number; scratch: number; kvBudget: number; away: number };
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
  /** Of the tokens of `contextLength` those that far memory has in the cache; the default is what the budget buys. */
  pooledLength?: number | undefined;
  /** Room beside that budget for pages that far memory moves away. None unless told. */
  away?: AwayPlaces<Pick<SlabDisk, "limit">> | undefined;
}

/**
 * Plans the memory of a model on the CPU.
 * @throws LongtabError as `readConfig`, `findTensors` and `createPolicy` do, `unsupported-type`, `invalid-option` for an impossible context,
 * `out-of-memory` where 32-bit addresses or the budget cannot hold it; it says what would fit.
 */
export function planCpuLoad(
  file: ModelFile,
  { contextLength, context = { policy: "dense" }, memoryBudget, pooledLength = Infinity, away }: CpuPlanOptions = {},
): CpuLoadPlan {
  const config = readConfig(file);
  const tensors = findTensors(file, config);
  const shape = cacheShape(config);
  const trained = config.contextLength;
  const { policy: name = "auto" } = context;
  const precision = kvPrecisionOf(context);
  const precisions = layerPrecisions(context, shape.layers);
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
  const planCache = (tokens: number, pooled: number): CachePlan => {
    const policy = createPolicy(context, { trained, keeps: tokens, pooled });
    const kinds = pageKinds(precisions, policy.selection);
    const layers = planPages(shape, policy, {
      maxTokens: tokens,
      maxStep: maxStepTokens,
      closes: precision !== "f16",
      forks: policy.endless ? plannedForks : 0,
    });
    const stubs = planStubs(shape, policy, maxStepTokens).reduce((sum, ofLayer) => sum + ofLayer);
    const pages = { layers, stubs };
    const capacity = listCapacity(shape, policy, tokens, maxStepTokens);
    const turns = meetsFar(policy) ? turnsBytes(shape.headSize, tokens) : 0;
    const tables = tableBytes(shape, capacity) + landmarksBytes(shape, policy, capacity) + turns;
    const kvBudget = pagesBytes(shape, layers, kinds) + stubs * stubBytes(shape) + tables;
    const scratch = scratchBytes(config, { capacity, selection: policy.selection, moves: stubs > 0 });
    return { policy, kinds, pages, stubs, memory: { weights, scratch, kvBudget, away: stubs * awayBytes(shape, kinds) } };
  };
  const budget = memoryBudget ?? (keepsFar && contextLength === undefined ? farBudget : Infinity);
  const fits = ({ memory: { scratch, kvBudget } }: CachePlan): boolean => weights + scratch + kvBudget <= addressable && kvBudget <= budget;
  // Stubs are ranges, which pages that are selected by their bounds lack.
  const room =
    keepsFar && away && context.runTokens !== pageTokens ? outsideRoom(awayBytes(shape, pageKinds(precisions, undefined)), away) : 0;
  const plan = (tokens: number): CachePlan => planPooled(tokens, pooledLength, room, (pooled) => planCache(tokens, pooled), fits);
  const most = largestContext(limit, plan, fits);
  if (most === 0 || (contextLength ?? 0) > most) throw tooLarge(plan(contextLength ?? 1).memory, most, budget);
  const tokens = contextLength ?? most;
  const types = new Set(matrices.map(({ type }) => type));
  const roundings = [...types].flatMap((type) => {
    const { error } = storedForm(type);
    return error === undefined ? [] : [{ type, error }];
  });
  const { policy, kinds, pages, memory } = plan(tokens);
  return { config, tensors, policy, kinds, pages, memory, precision, contextLength: tokens, roundings };
}

/** Bytes that a page takes outside: those of the largest complete ones. */
export function awayBytes(shape: CacheShape, kinds: readonly PageKind[]): number {
  return Math.max(...kinds.map((kind) => completeBytes(shape, kind)));
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
