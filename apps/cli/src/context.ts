import { kvPrecisions, policyNames } from "@longtab/attention";
import type { CacheShape, ContextOptions } from "@longtab/attention";
import { parseHeadMap } from "@longtab/attention/head-map";
import { LongtabError } from "@longtab/errors";
import { readJson } from "./json-file.ts";

/** The options that say what memory does, of every verb that runs a model. */
export const contextOptions = {
  context: "string",
  budget: "number",
  sinks: "number",
  recent: "number",
  "run-tokens": "number",
  every: "number",
  kv: "string",
  "head-map": "string",
} as const;

/** As `parseOptions` gives them. */
export interface ContextArguments {
  context?: string | undefined;
  budget?: number | undefined;
  sinks?: number | undefined;
  recent?: number | undefined;
  "run-tokens"?: number | undefined;
  every?: number | undefined;
  kv?: string | undefined;
  "head-map"?: string | undefined;
}

/** The options but for the head map, whose fit is known with the model. @throws LongtabError `invalid-option` for a name that there is none of. */
export function readContextNames({
  context,
  budget,
  sinks,
  recent,
  "run-tokens": runTokens,
  every,
  kv,
}: ContextArguments): Omit<ContextOptions, "headMap"> {
  const policy = oneOf("--context", context, policyNames);
  const numbers = { runTokens: runTokens as ContextOptions["runTokens"], every: every as ContextOptions["every"] };
  return { policy, budget, sinks, recent, ...numbers, kv: oneOf("--kv", kv, kvPrecisions) };
}

/**
 * What the command line says about context; numbers are checked where a policy is made of them.
 * @throws LongtabError `invalid-option` for a name that there is none of, a head map that cannot be read, or one of another model.
 */
export async function readContext(given: ContextArguments, shape: CacheShape): Promise<ContextOptions> {
  const { "head-map": mapFile } = given;
  return { ...readContextNames(given), headMap: mapFile === undefined ? undefined : parseHeadMap(await readJson(mapFile), shape) };
}

/** @throws LongtabError `invalid-option` for a value that is none of the allowed. */
function oneOf<T extends string>(option: string, value: string | undefined, allowed: readonly T[]): T | undefined {
  if (value === undefined || allowed.some((name) => name === value)) return value as T | undefined;
  throw new LongtabError({
    code: "invalid-option",
    what: `${option} does not know this name`,
    value,
    limit: allowed.join(", "),
    remedy: "choose one of these, or leave it out",
  });
}
