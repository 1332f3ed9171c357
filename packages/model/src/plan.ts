import { createPolicy, kvPrecisionOf, listCapacity, outsideRoom, planPages, planStubs } from "@longtab/attention";
import type { AwayPlaces, CacheShape, ContextOptions, KvPrecision, PageCounts, Policy, SlabDisk } from "@longtab/attention";
import { closes, largestRecord, openBytes, pagesBytes, planAttention, storagesOf, stubsInRecord } from "@longtab/attention/webgpu";
import type { PageStorage } from "@longtab/attention/webgpu";
import { isLongtabError, LongtabError } from "@longtab/errors";
import type { ModelFile } from "@longtab/formats";
import { readConfig } from "./config.ts";
import type { ModelConfig } from "./config.ts";
import { maxStepTokens, scratchBytes } from "./scratch.ts";
import { findTensors } from "./tensors.ts";
import type { ModelTensors } from "./tensors.ts";
import { planWeight } from "./weights/plan.ts";
import type { BufferLimits } from "./weights/plan.ts";

/** What every WebGPU device offers; plans that fit it fit everywhere. */
export const defaultLimits: BufferLimits = { maxBufferSize: 256 * 2 ** 20, maxStorageBufferBindingSize: 128 * 2 ** 20 };

/** Forks of a timeline that pages are planned for; ends of earlier turns give way where there is no room. */
const plannedForks = 4;

/** Far memory keeps more than the trained window: up to this many of them, within this many bytes unless told otherwise. */
export const mostWindows = 8;
export const farBudget = 640 * 2 ** 20;

/** What loading a file will take, known before a byte of weights is read. */
export interface LoadPlan {
  config: ModelConfig;
  /** What attention reads and what is kept, unless a timeline is given another policy. */
  policy: Policy;
  precision: KvPrecision;
  /** How the pages of each layer are stored: at that precision, with the boxes that the policy selects by. */
  storages: readonly PageStorage[];
  /** Tokens that a head keeps at most: with "dense", the tokens that a timeline can hold. */
  contextLength: number;
  /** Most pages of one layer; of the closed ones as many as `stubPages` hold stubs of pages that are away. */
  pages: PageCounts & { stubPages: number };
  /** Bytes on the device. `kvBudget` is what the cache may grow to. */
  memory: { weights: number; scratch: number; kvBudget: number };
}

export interface PlanOptions {
  /** Tokens; the default is the trained window, more with far memory, or what a layer's cache can bind. */
  contextLength?: number | undefined;
  /** Default: dense. */
  context?: ContextOptions | undefined;
  /** Bytes that the cache may take. */
  memoryBudget?: number | undefined;
  /** Of the tokens of `contextLength` those that far memory has in the cache; the default is what the budget buys. */
  pooledLength?: number | undefined;
  /** Room beside that budget for pages that far memory moves away. None unless told. */
  away?: AwayPlaces<Pick<SlabDisk, "limit">> | undefined;
  limits?: BufferLimits;
}

/**
 * Plans the memory of a model.
 * @throws LongtabError as `readConfig`, `findTensors` and `createPolicy` do, `invalid-option` for an impossible context, `device-limit` where the device
 * is too small, `out-of-memory` where the budget is.
 */
export function planLoad(
  file: ModelFile,
  { contextLength, context = { policy: "dense" }, memoryBudget, pooledLength = Infinity, away, limits = defaultLimits }: PlanOptions = {},
): LoadPlan {
  const config = readConfig(file);
  const tensors = findTensors(file, config);
  const trained = config.contextLength;
  const { policy: name = "auto" } = context;
  const precision = kvPrecisionOf(context);
  const keepsFar = name === "auto" || name === "far";
  const limit = keepsFar ? mostWindows * trained : trained;
  checkContextLength(contextLength, limit);
  const weights = weightBytes(tensors, limits);
  const budget = memoryBudget ?? (keepsFar && contextLength === undefined ? farBudget : Infinity);
  const fits = ({ largestBinding, memory }: CachePlan): boolean =>
    largestBinding <= limits.maxStorageBufferBindingSize && memory.kvBudget <= budget;
  const room = keepsFar && away ? awayRoom(config, context, away) : 0;
  const plan = (tokens: number): CachePlan =>
    planPooled(tokens, pooledLength, room, (pooled) => planCache(config, context, tokens, pooled, weights), fits);
  const bindable = largestContext(limit, plan, ({ largestBinding }) => largestBinding <= limits.maxStorageBufferBindingSize);
  if (contextLength !== undefined && contextLength > bindable) {
    throw new LongtabError({
      code: "device-limit",
      what: "The context is longer than this GPU can bind for one layer",
      value: contextLength,
      limit: bindable,
      remedy: `choose at most ${bindable} tokens`,
    });
  }
  const affordable = largestContext(bindable, plan, ({ memory }) => memory.kvBudget <= budget);
  if (affordable < (contextLength ?? 1)) {
    throw new LongtabError({
      code: "out-of-memory",
      what: "The context takes more memory than its budget",
      value: plan(contextLength ?? 1).memory.kvBudget,
      limit: budget,
      remedy: affordable > 0 ? `choose a context of at most ${affordable} tokens` : "choose a larger budget",
    });
  }
  const tokens = contextLength ?? affordable;
  const { policy, storages, pages, memory } = plan(tokens);
  return { config, policy, precision, storages, contextLength: tokens, pages, memory };
}

/** Bytes of all weights on the device, stacked as `uploadModel` stacks them. */
function weightBytes(tensors: ModelTensors, limits: BufferLimits): number {
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
  return (
    matrices.reduce((sum, parts) => sum + planWeight(parts, limits).bytes, 0) + vectors.reduce((sum, { byteLength }) => sum + byteLength, 0)
  );
}

interface CachePlan extends Pick<LoadPlan, "policy" | "storages" | "pages" | "memory"> {
  /** Most pages of all layers that are away. */
  stubs: number;
  /** Bytes of the largest buffer that a kernel binds of the cache. */
  largestBinding: number;
}

/** Pages that have room away; none where pages stay open, whose stubs would take a whole page. */
function awayRoom(config: ModelConfig, context: ContextOptions, away: AwayPlaces<Pick<SlabDisk, "limit">>): number {
  const shape = cacheShape(config);
  const storages = storagesOf(context, shape.layers, context.runTokens ?? 4);
  return storages.every(closes) ? outsideRoom(largestRecord(shape, storages), away) : 0;
}

/** `pooled`: of the tokens those that are in the pool. */
function planCache(config: ModelConfig, context: ContextOptions, tokens: number, pooled: number, weights: number): CachePlan {
  const shape = cacheShape(config);
  const policy = createPolicy(context, { trained: config.contextLength, keeps: tokens, pooled });
  const storages = storagesOf(context, shape.layers, policy.selection?.runTokens);
  const closing = storages.every(closes);
  const byLayer = planPages(shape, policy, {
    maxTokens: tokens,
    maxStep: maxStepTokens,
    closes: closing,
    forks: policy.endless ? plannedForks : 0,
  });
  const stubsByLayer = planStubs(shape, policy, maxStepTokens);
  const stubs = stubsByLayer.reduce((sum, count) => sum + count);
  // Several in the place of a page.
  const stubPages = Math.max(...storages.map((storage, layer) => Math.ceil((stubsByLayer[layer] ?? 0) / stubsInRecord(shape, storage))));
  const most = byLayer.reduce((all, { open, closed }) => ({ open: Math.max(all.open, open), closed: Math.max(all.closed, closed) }));
  const pages = { ...most, closed: most.closed + stubPages, stubPages };
  const kvBudget = pagesBytes(shape, storages, (layer) => {
    const { open, closed } = byLayer[layer] ?? { open: 0, closed: 0 };
    return { open, closed: closed + stubPages };
  });
  const [first] = storages as [PageStorage];
  // The splits of hardware, which are the more.
  const attention = planAttention(shape, first, policy, listCapacity(shape, policy, tokens, maxStepTokens), false);
  const scratch = scratchBytes(config, attention);
  const records = (closing ? pages.closed : pages.open) * largestRecord(shape, storages);
  const largestBinding = Math.max(pages.open * openBytes(shape), records);
  return { policy, storages, pages, stubs, memory: { weights, scratch, kvBudget }, largestBinding };
}

/**
 * The plan of `tokens`: with all of them in the pool, or, where it has no room for them, with as many as it has room for and the others away.
 * @param most tokens in the pool, @param room pages that may be away
 */
export function planPooled<Plan extends { stubs: number }>(
  tokens: number,
  most: number,
  room: number,
  plan: (pooled: number) => Plan,
  fits: (plan: Plan) => boolean,
): Plan {
  const whole = plan(tokens);
  const largest = Math.min(tokens, most);
  if (room === 0 || (fits(whole) && largest === tokens)) return whole;
  const pooled = largestContext(largest, plan, fits);
  const moving = pooled > 0 ? plan(pooled) : whole;
  return moving.stubs > 0 && moving.stubs <= room ? moving : whole;
}

/** The longest context up to `limit` whose plan fits; what fits a length fits shorter ones. 0 where none does. */
export function largestContext<Plan>(limit: number, plan: (tokens: number) => Plan, fits: (plan: Plan) => boolean): number {
  const fitting = (tokens: number): boolean => {
    try {
      return fits(plan(tokens));
    } catch (error) {
      // That a policy needs more tokens does not speak against more; the final plan says what is wrong.
      if (isLongtabError(error) && error.code === "invalid-option") return true;
      throw error;
    }
  };
  let [low, high] = [0, limit];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fitting(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function cacheShape({ layers, heads, kvHeads, headSize }: ModelConfig): CacheShape {
  return { layers, heads, kvHeads, headSize };
}

/** @throws LongtabError `invalid-option` for a context, in tokens, past `limit`: the window that the model was trained for, or more with far memory. */
export function checkContextLength(contextLength: number | undefined, limit: number): void {
  if (contextLength === undefined || (Number.isInteger(contextLength) && contextLength >= 1 && contextLength <= limit)) return;
  throw new LongtabError({
    code: "invalid-option",
    what: "The context length must be a whole number of tokens within the trained window",
    value: contextLength,
    limit,
    remedy: `choose 1 to ${limit}`,
  });
}
