import { LongtabError } from "@longtab/errors";
import type { HeadMap } from "./head-map.ts";
import { pageTokens, pagesFor } from "./page.ts";
import { dense } from "./policies/dense.ts";
import { mixed } from "./policies/mixed.ts";
import type { MixedOptions } from "./policies/mixed.ts";
import type { Policy, PolicyName, Selection } from "./policies/policy.ts";
import { streaming } from "./policies/streaming.ts";
import { kvPrecisions } from "./precision.ts";
import type { KvPrecision } from "./precision.ts";

/** What people choose. What is left out is chosen for them. */
export interface ContextOptions {
  /** Default "auto": everything at first, then streaming and selecting heads, and far memory past the trained window. */
  policy?: PolicyName | undefined;
  /** Tokens that a head reads at most in a decode step: of all heads with "streaming", of the selecting heads with the others. */
  budget?: number | undefined;
  /** First tokens that are always read. */
  sinks?: number | undefined;
  /** Last tokens that are always read; rounded up to whole pages of 16. */
  recent?: number | undefined;
  /** Default: full precision with "dense", 8 bits with the others. "mixed" stores each layer as the head map says, or in 8 bits without one that does. */
  kv?: KvPrecision | undefined;
  /** Which heads stream, and what precision layers need; without one every head retrieves. */
  headMap?: HeadMap | undefined;
  /** Tokens of a selected run: 4, or 16 for the rule of the Quest paper. */
  runTokens?: 4 | 8 | 16 | undefined;
  /** Steps that go by one selection: 1 unless told; fewer selections cost less and find less. */
  every?: 1 | 2 | 4 | 8 | 16 | undefined;
}

export const policyNames: readonly PolicyName[] = ["dense", "streaming", "duo", "quest", "duo+quest", "far", "auto"];

/** What a policy must know of its model. */
export interface ContextModel {
  /** Tokens that it was trained for. */
  trained: number;
  /** Tokens that a head may keep at most: what there is room for. */
  keeps: number;
  /** Of those, tokens that there is room for in the pool, with "far" and "auto"; the others are away. All unless told. */
  pooled?: number | undefined;
}

/** Where "auto" begins to stream and to select: below it every head reads everything. Chosen by `npm run longtab -- eval`. */
const autoFrom = 1024;

const defaults = {
  streaming: { sinks: 4, recent: 2044 },
  duo: { sinks: 16, recent: 256 },
  quest: { budget: 512, recent: 64 },
} as const;

/**
 * The policy that options come to. Where the head map is missing that a name asks for, every head retrieves: "duo" and "duo+quest" become "quest".
 * @throws LongtabError `invalid-option` for a name, a number or a combination that cannot be.
 */
export function createPolicy(options: ContextOptions, { trained, keeps, pooled = keeps }: ContextModel): Policy {
  check(options, trained);
  const { policy: name = "auto", headMap: map } = options;
  const most = Math.min(trained, keeps);
  if (name === "dense") return dense;
  if (name === "streaming") return streaming(streamingTokens(options, most));
  if (name === "duo" && map) return mixed({ name, trained, streaming: localTokens(options, map, trained, 0), past: within(options, most) });
  if (name === "far" || name === "auto") {
    const { kept, resident, returns } = pooledFar(selected(options, 0), { trained, keeps, pooled });
    const seen = Math.min(trained, resident);
    const from = name === "auto" ? Math.min(autoFrom, seen) : 0;
    return mixed({
      name,
      trained,
      streaming: name === "auto" && map ? localTokens(options, map, trained, from) : undefined,
      selection: { ...selected(options, from), ...placed(trained), reachesFrom: seen },
      past: {
        from: seen,
        sinks: sinkPages(options),
        recent: Math.min(share(trained, 1 / 4), share(seen, 7 / 8)),
        keeps: kept,
        resident,
        returns,
      },
    });
  }
  const streams = name === "duo+quest" && map ? localTokens(options, map, trained, 0) : undefined;
  return mixed({
    name: streams ? name : "quest",
    trained,
    streaming: streams,
    selection: selected(options, 0),
    past: within(options, most),
  });
}

function streamingTokens(
  { budget, sinks = defaults.streaming.sinks, recent }: ContextOptions,
  most: number,
): { sinks: number; recent: number } {
  const wanted = recent ?? (budget === undefined ? Math.min(defaults.streaming.recent, share(most, 1 / 2)) : budget - sinks);
  const tokens = wholePages(wanted);
  // The row's own page comes on top, and all of it must lie within what the model was trained for.
  if (wanted < 1 || sinks + tokens + pageTokens > most) {
    throw new LongtabError({
      code: "invalid-option",
      what: "Sinks and recents must leave at least one recent token and fit what is kept together with one page",
      value: `${sinks} sinks, ${wanted} recents`,
      limit: `${most} tokens`,
      remedy: "choose other numbers of sinks and recents",
    });
  }
  return { sinks, recent: tokens };
}

function localTokens(
  { sinks = defaults.duo.sinks, recent }: ContextOptions,
  map: HeadMap,
  trained: number,
  from: number,
): MixedOptions["streaming"] {
  return { map, sinks, recent: wholePages(recent ?? Math.min(defaults.duo.recent, share(trained, 1 / 2))), from };
}

/** Runs that the budget leaves beside sinks and recents. */
function selected(
  { policy, budget = defaults.quest.budget, sinks, recent, runTokens = 4, every = 1 }: ContextOptions,
  from: number,
): Selection {
  // Where heads stream too, `recent` is theirs first of all.
  const shared = policy !== "quest" && policy !== "far";
  const own = shared ? Math.min(recent ?? Infinity, defaults.quest.recent) : (recent ?? defaults.quest.recent);
  const always = { sinks: wholePages(sinks ?? pageTokens), recent: wholePages(own) };
  const runs = Math.floor((budget - always.sinks - always.recent) / runTokens);
  if (runs < 1) {
    throw new LongtabError({
      code: "invalid-option",
      what: "The budget leaves nothing to select beside sinks and recents, which are whole pages of 16 tokens",
      value: budget,
      limit: `at least ${always.sinks + always.recent + runTokens}`,
      remedy: "choose a larger budget, or fewer sinks and recents",
    });
  }
  return { ...always, runs, runTokens, every, from, farStart: Infinity, farFrom: Infinity, farDistance: 0, reachesFrom: Infinity };
}

/**
 * Past the trained window distances are cut off: what is further back seems to stand at one distance, well inside what the model was trained
 * for, so that it is told apart by what it says.
 */
function placed(trained: number): Pick<Selection, "farStart" | "farFrom" | "farDistance"> {
  const distance = share(trained, 1 / 4);
  return { farStart: trained, farFrom: distance, farDistance: distance };
}

/**
 * What becomes of tokens that the pool has no room for: their pages are away, and of the pool an eighth is for those that come back. Where that is
 * less than a step looks at (the keys of two pages for each run that it takes) it is so many, up to a half. A pool that holds little more
 * than a step reads has no room for them to come back to: then only what is in it is kept.
 */
function pooledFar(
  { sinks, recent, runs, runTokens }: Selection,
  { trained, keeps, pooled }: Required<ContextModel> & { pooled: number },
): { kept: number; resident: number; returns: number } {
  if (pooled >= keeps) return { kept: keeps, resident: keeps, returns: 0 };
  const looked = 2 * runs * pageTokens;
  const returns = Math.max(share(pooled, 1 / 8), Math.min(share(pooled, 1 / 2), looked));
  const resident = pooled - returns;
  const selects = Math.min(trained, resident) > sinks + recent + runs * runTokens + pageTokens;
  return selects ? { kept: keeps, resident, returns } : { kept: pooled, resident: pooled, returns: 0 };
}

/** Without far memory: past `most` tokens the last of them, less a margin. */
function within(options: ContextOptions, most: number): MixedOptions["past"] {
  const tokens = share(most, 7 / 8);
  return { from: most, sinks: sinkPages(options), recent: tokens, keeps: tokens, resident: tokens, returns: 0 };
}

function sinkPages({ sinks = pageTokens }: ContextOptions): number {
  return wholePages(sinks);
}

/** A share of so many tokens, in whole pages; at least one. */
function share(tokens: number, part: number): number {
  return Math.max(1, Math.floor((tokens * part) / pageTokens)) * pageTokens;
}

function wholePages(tokens: number): number {
  return pagesFor(tokens) * pageTokens;
}

function check({ policy, budget, sinks, recent, kv, runTokens, every }: ContextOptions, trained: number): void {
  checkName("context policy", policy, policyNames);
  checkName("precision of keys and values", kv, kvPrecisions);
  checkName("length of a run", runTokens, [4, 8, 16]);
  checkName("number of steps that go by one selection", every, [1, 2, 4, 8, 16]);
  checkCount("budget", budget, 1, mostBudget);
  // With a row's own page they must lie within what the model was trained for.
  checkCount("number of sinks", sinks, 0, Math.max(0, trained - pageTokens));
  checkCount("number of recent tokens", recent, 1, Math.max(1, trained - pageTokens));
}

function checkName<T extends string | number>(what: string, value: T | undefined, allowed: readonly T[]): void {
  if (value === undefined || allowed.includes(value)) return;
  throw new LongtabError({
    code: "invalid-option",
    what: `There is no such ${what}`,
    value: String(value),
    limit: allowed.join(", "),
    remedy: "choose one of these, or leave it out",
  });
}

/** Tokens: more than any context has are a mistake. */
const mostBudget = 2 ** 24;

function checkCount(what: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw new LongtabError({
    code: "invalid-option",
    what: `The ${what} must be a whole number of tokens`,
    value: String(value),
    limit: `${least} to ${most}`,
    remedy: "leave it out for the default",
  });
}
