import { createPolicy, kvPrecisionOf } from "@longtab/attention";
import { streamingShare } from "@longtab/attention/head-map";
import type { KvPrecision, Policy, PolicyName } from "@longtab/attention";
import type { CpuBackend } from "@longtab/cpu";
import type { WebGpuBackend } from "@longtab/engine";
import { cacheShape } from "@longtab/model";
import type { ModelConfig } from "@longtab/model";
import type { Tokenizer } from "@longtab/tokenizer";
import { mostSessionTokens } from "../options.ts";
import type { ClockName } from "./clock.ts";
import { readHeadMap } from "./head-map.ts";
import type { Place } from "./open-backend.ts";
import { openBackend, readModelConfig } from "./open-backend.ts";

/** What is asked of a process that compares policies. */
export interface ContextInput {
  /** Path of the GGUF file. */
  model: string;
  place: Place;
  /** Of the processor; as many as there are cores unless told. */
  threads: number | undefined;
  /** That of the default policy unless told: one for all, so that policies are what is compared. */
  kv: KvPrecision | undefined;
  clock: ClockName;
  /** A file; the shipped one unless named. */
  headMap: string | undefined;
  policies: readonly PolicyName[];
  /** Tokens in the cache, ascending. */
  lengths: readonly number[];
  /** Tokens of text that are read; behind them their keys and values are repeated. */
  read: number;
  rounds: number;
  /** Tokens timed in each round. */
  decodeTokens: number;
}

export interface OpenedContext {
  backend: CpuBackend | WebGpuBackend;
  tokenizer: Tokenizer;
  config: ModelConfig;
  policies: readonly Policy[];
  /** Share of the KV heads that stream by the head map. */
  streaming: number | undefined;
}

/** What forks append. */
const slack = 1024;

/**
 * Loads a model so that one text is kept whole, however long, and timelines of every policy fork from it: with far memory, whose pages and
 * whose selection are the largest of all.
 */
export async function openContext({
  model,
  place,
  threads,
  kv: asked,
  headMap: file,
  policies: names,
  lengths,
}: ContextInput): Promise<OpenedContext> {
  const config = await readModelConfig(model);
  const shape = cacheShape(config);
  const headMap = await readHeadMap(file, shape);
  const kv = kvPrecisionOf({ kv: asked, headMap });
  const contextLength = Math.max(config.contextLength, Math.max(...lengths) + mostSessionTokens) + slack;
  const { backend, tokenizer } = await openBackend(model, place, { contextLength, threads, context: { policy: "far", kv, headMap } });
  const keeps = backend.plan.contextLength;
  const policies = names
    .map((policy) => createPolicy({ policy, kv, headMap }, { trained: config.contextLength, keeps }))
    // Without a head map some are others.
    .filter(({ name }, index) => name === names[index]);
  return { backend, tokenizer, config, policies, streaming: headMap && streamingShare(headMap) };
}
