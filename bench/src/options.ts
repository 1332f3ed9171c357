import { parseArgs } from "node:util";
import { kvPrecisions, policyNames } from "@longtab/attention";
import type { KvPrecision, PolicyName } from "@longtab/attention";
import type { BackendChoice } from "longtab";
import { clockNames } from "./node/clock.ts";
import type { ClockName } from "./node/clock.ts";

/** The parts of the bench, in the order in which they run. */
export const sections = ["kernels", "engine", "llama.cpp", "context", "session", "cpu", "browser", "wllama"] as const;
export type SectionName = (typeof sections)[number];

/** What Longtab does with its context, where that is not what is compared. */
export interface ContextChoice {
  policy: PolicyName;
  /** What goes with the policy unless told. */
  kv: KvPrecision | undefined;
  /** A head map's file; the one that is shipped for the model unless told. */
  headMap: string | undefined;
}

export interface BenchOptions {
  /** A GGUF file; the catalogue's first model unless named. */
  model: string | undefined;
  /** Rounds; in each, every contestant runs once. */
  runs: number;
  only: ReadonlySet<SectionName>;
  /** Tokens of the prompts. */
  contexts: readonly number[];
  /** Those of them that wllama reads. */
  wllamaContexts: readonly number[];
  /** What `kernels`, `engine`, `context` and `session` run on. */
  backend: BackendChoice;
  /** Of the processor in Node; as many as there are cores unless told. */
  threads: number | undefined;
  /** What `context` counts. */
  clock: ClockName;
  context: ContextChoice;
  /** Policies that `context` compares, and tokens in the cache at which it does. */
  policies: readonly PolicyName[];
  lengths: readonly number[];
  /** Tokens of text that `context` reads; behind them it repeats their keys and values. */
  read: number;
  /** Where to write the numbers as JSON. */
  json: string | undefined;
  /** Numbers of an earlier run, to be printed in place of a new one's. */
  from: string | undefined;
  /** Where to draw memory and time against length. */
  picture: string | undefined;
  /** Fewer tokens, the short context only: a look rather than a measurement. */
  quick: boolean;
  help: boolean;
}

/** Context that every runtime makes room for, and of it what an answer needs. */
export const contextLength = 4608;
const mostContext = contextLength - 512;

/** Tokens of the session that is kept and brought back: of the longest length up to this. */
export const mostSessionTokens = 8192;

/** wllama without threads reads ten tokens a second: a longer prompt takes minutes, and no target asks for it. */
export const mostUnthreaded = 1024;

/** Tokens in the cache that `context` compares policies at. */
const shortest = 128;
const longest = 65_536;

export const usage = `npm run bench -- [options]

  --model FILE       a GGUF file; otherwise the catalogue's first model
  --runs N           rounds, 3 unless told; in each round every contestant runs once
  --only A,B         some of: ${sections.join(", ")}
  --contexts A,B     tokens of context, 128,1024 unless told, ${mostContext} at most
  --wllama-contexts  those that wllama reads, too: it takes minutes for 4096; all unless told, and without threads ${mostUnthreaded} at most
  --backend NAME     what kernels, engine, context and session run on: auto (unless told), cpu or webgpu
  --threads N        how many threads of the processor compute in Node: as many as there are cores unless told
  --clock NAME       what context counts: wall (unless told), or processor, for one thread on a machine that others use too
  --context NAME     what Longtab does with its context in the sections that compare it with others: auto unless told
  --lengths A,B      tokens in the cache at which context compares policies: 1024,4096,8192 unless told, ${longest} at most
  --read N           tokens of text that context reads; behind them it repeats their keys and values, which takes no time: all unless told
  --policies A,B     some of: ${policyNames.join(", ")}
  --kv NAME          how keys and values are stored: ${kvPrecisions.join(", ")}
  --head-map FILE    which heads stream; otherwise the model's own map, where there is one
  --json FILE        also write every number there
  --from FILE        measure nothing, and print the numbers that an earlier --json wrote
  --picture FILE     draw what context measured as SVG
  --quick            one round, 128 tokens of context, 16 tokens decoded
  --install-peers    first install node-llama-cpp and wllama outside the repository, to compare with
  --help             this text

Longtab is measured in Node (engine, and policies beside one another in context), and in Chromium on the processor (cpu), on the graphics card
(browser), and keeping a session of the longest length up to ${mostSessionTokens} (session). llama.cpp runs beside the first, wllama beside the others, each in the round in which it is compared. --only cpu,wllama touches no
graphics card. LONGTAB_BROWSER names another Chromium.`;

/** Rounds beyond this say nothing more. */
const mostRuns = 100;

/** More than a team has. */
const mostThreads = 64;

/** Reads the command line. @throws Error with a sentence for the person. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: "string" },
      runs: { type: "string" },
      only: { type: "string" },
      contexts: { type: "string" },
      "wllama-contexts": { type: "string" },
      backend: { type: "string", default: "auto" },
      threads: { type: "string" },
      clock: { type: "string", default: "wall" },
      context: { type: "string", default: "auto" },
      lengths: { type: "string" },
      read: { type: "string" },
      policies: { type: "string" },
      kv: { type: "string" },
      "head-map": { type: "string" },
      json: { type: "string" },
      from: { type: "string" },
      picture: { type: "string" },
      quick: { type: "boolean", default: false },
      // For scripts/bench.mjs, which does it before this program starts.
      "install-peers": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { model, json, from, picture, quick, help } = values;
  const contexts = readTokens("--contexts", values.contexts, 16, mostContext) ?? (quick ? [128] : [128, 1024]);
  const wllamaContexts = readTokens("--wllama-contexts", values["wllama-contexts"], 16, mostContext) ?? contexts;
  const lengths = readTokens("--lengths", values.lengths, shortest, longest) ?? (quick ? [256, 1024] : [1024, 4096, 8192]);
  const runs = readCount("--runs", values.runs, mostRuns) ?? (quick ? 1 : 3);
  return {
    model,
    json,
    from,
    picture,
    quick,
    help,
    runs,
    contexts,
    wllamaContexts,
    lengths,
    read: readCount("--read", values.read, longest, shortest) ?? longest,
    backend: readName("backend", values.backend, ["auto", "cpu", "webgpu"]),
    threads: readCount("--threads", values.threads, mostThreads),
    clock: readName("clock", values.clock, clockNames),
    context: {
      policy: readName("context policy", values.context, policyNames),
      kv: values.kv === undefined ? undefined : readName("precision of keys and values", values.kv, kvPrecisions),
      headMap: values["head-map"],
    },
    policies: readNames("context policy", values.policies, policyNames),
    only: new Set(readNames("section", values.only, sections)),
  };
}

function readTokens(option: string, text: string | undefined, least: number, most: number): number[] | undefined {
  if (text === undefined) return undefined;
  const counts = text.split(",").map(Number);
  const wrong = counts.find((tokens) => !Number.isInteger(tokens) || tokens < least || tokens > most);
  if (wrong !== undefined)
    throw new Error(`${option} takes whole numbers from ${least} to ${most} with commas between them, not "${text}".`);
  return [...new Set(counts)].toSorted((a, b) => a - b);
}

/** All of them unless told, in their own order. */
function readNames<Name extends string>(what: string, text: string | undefined, names: readonly Name[]): Name[] {
  if (text === undefined) return [...names];
  const wanted = new Set(text.split(",").map((name) => readName(what, name.trim(), names)));
  return names.filter((name) => wanted.has(name));
}

function readName<Name extends string>(what: string, text: string, names: readonly Name[]): Name {
  const name = names.find((known) => known === text);
  if (name === undefined) throw new Error(`There is no ${what} "${text}"; there are ${names.join(", ")}.`);
  return name;
}

function readCount(option: string, text: string | undefined, most: number, least = 1): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isInteger(count) || count < least || count > most)
    throw new Error(`${option} takes a whole number from ${least} to ${most}, not "${text}".`);
  return count;
}
