import type { CacheShape, ContextOptions, HeadMap, HeadRule } from "@longtab/attention";
import type { Backend } from "@longtab/engine";
import { LongtabError } from "@longtab/errors";
import { fetchPart } from "@longtab/origin";
import type { ContextInfo } from "./api.ts";
import type { LoadRequest } from "./protocol.ts";

/** Where the head map of a load came from. */
type Source = ContextInfo["headMap"]["source"];

/** What a load does with memory, and which head map it has. */
export interface ContextChoice {
  options: ContextOptions;
  headMap: Source;
}

/** Head maps that a load may use where the request gives none, best first. */
export interface KnownHeadMaps {
  calibrated(): Promise<HeadMap | undefined>;
  shipped(): Promise<HeadMap | undefined>;
}

/** Policies that tell heads apart. */
const mapped = new Set(["auto", "duo", "duo+quest"]);

/** @throws LongtabError `invalid-option` for a head map that is none, or another model's; names and numbers are checked where the policy is made. */
export async function chooseContext(context: LoadRequest["context"], shape: CacheShape, maps: KnownHeadMaps): Promise<ContextChoice> {
  const given: ContextOptions = typeof context === "string" ? { policy: context } : (context ?? {});
  if (given.headMap !== undefined) {
    const { parseHeadMap } = await fetchPart("The part of Longtab that reads head maps", async () => import("@longtab/attention/head-map"));
    return { options: { ...given, headMap: parseHeadMap(given.headMap, shape) }, headMap: "given" };
  }
  const [tellsHeads, mixed] = [mapped.has(given.policy ?? "auto"), given.kv === "mixed"];
  if (!tellsHeads && !mixed) return { options: given, headMap: "unused" };
  let best: { headMap: HeadMap; source: Source } | undefined;
  for (const source of ["calibrated", "shipped"] as const) {
    const headMap = await maps[source]();
    if (!headMap) continue;
    best ??= { headMap, source };
    if (!mixed) break;
    // Maps that are made in a browser say nothing of precision; what comes with the model may.
    const precision = best.headMap.precision ?? headMap.precision;
    if (precision) best.headMap = { ...best.headMap, precision };
  }
  const source = tellsHeads ? (best?.source ?? "missing") : "unused";
  return { options: best ? { ...given, headMap: best.headMap } : given, headMap: source };
}

/** Less holds no page of any model. @throws LongtabError `invalid-option` for what is no number of bytes. */
export function checkMemoryBudget(bytes: number | undefined): void {
  if (bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= leastBudget)) return;
  throw new LongtabError({
    code: "invalid-option",
    what: "The memory budget must be a whole number of bytes",
    value: String(bytes),
    limit: `at least ${leastBudget}`,
    remedy: "leave it out to let the context decide",
  });
}

const leastBudget = 65_536;

/** What memory does, for people and programs. */
export function describeContext({ policy, kvPrecision, cacheForm, contextLength }: Backend, headMap: Source): ContextInfo {
  const { layers, kvHeads } = cacheForm;
  const rules = Array.from({ length: layers * kvHeads }, (_, head) => policy.rule(Math.floor(head / kvHeads), head % kvHeads));
  const keeps = Math.min(contextLength, Math.max(...rules.map(keptTokens)));
  return {
    policy: policy.name,
    description: descriptions[policy.name](`${keeps.toLocaleString("en")} tokens`),
    endless: policy.endless,
    keeps,
    kv: kvPrecision,
    headMap: { source: headMap, reason: reasons[headMap] },
  };
}

/** Tokens that a head keeps at most. */
export function keptTokens({ sinks, keeps }: HeadRule): number {
  return sinks + keeps;
}

const descriptions: Record<ContextInfo["policy"], (tokens: string) => string> = {
  dense: (tokens) => `Reads everything for each word, and ends when ${tokens} are full.`,
  streaming: (tokens) => `Reads the beginning and the end, ${tokens} in all, and forgets what lies between. It never ends.`,
  duo: (tokens) => `Keeps the last ${tokens}, of which some heads read only the end. It never ends.`,
  quest: (tokens) => `Keeps the last ${tokens} and reads the parts that matter for each word. It never ends.`,
  "duo+quest": (tokens) => `Keeps the last ${tokens} and reads the parts that matter for each word. It never ends.`,
  far: (tokens) => `Remembers ${tokens} and reads the parts that matter for each word. It never ends.`,
  auto: (tokens) => `Remembers ${tokens} and reads the parts that matter for each word. It never ends.`,
};

const reasons: Record<Source, string> = {
  given: "The head map that was given says which heads need only the beginning and the end.",
  calibrated: "Which heads need only the beginning and the end was measured in this browser.",
  shipped: "Which heads need only the beginning and the end is known for this model.",
  missing: "Which heads need only the beginning and the end is not known for this model, so all of them keep everything.",
  unused: "All heads are treated alike.",
};
