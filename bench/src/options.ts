import { parseArgs } from "node:util";
import type { BackendChoice } from "longtab";

/** The parts of the bench, in the order in which they run. */
export const sections = ["kernels", "engine", "llama.cpp", "cpu", "browser", "wllama"] as const;
export type SectionName = (typeof sections)[number];

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
  /** What `kernels` and `engine` run on. */
  backend: BackendChoice;
  /** Where to write the numbers as JSON. */
  json: string | undefined;
  /** Fewer tokens, the short context only: a look rather than a measurement. */
  quick: boolean;
  help: boolean;
}

/** Context that every runtime makes room for, and of it what an answer needs. */
export const contextLength = 4608;
const mostContext = contextLength - 512;

/** wllama without threads reads ten tokens a second: a longer prompt takes minutes, and no target asks for it. */
export const mostUnthreaded = 1024;

export const usage = `npm run bench -- [options]

  --model FILE       a GGUF file; otherwise the catalogue's first model
  --runs N           rounds, 3 unless told; in each round every contestant runs once
  --only A,B         some of: ${sections.join(", ")}
  --contexts A,B     tokens of context, 128,1024 unless told, ${mostContext} at most
  --wllama-contexts  those that wllama reads, too: it takes minutes for 4096; all unless told, and without threads ${mostUnthreaded} at most
  --backend NAME     what kernels and engine run on: auto (unless told), cpu or webgpu
  --json FILE        also write every number there
  --quick            one round, 128 tokens of context, 8 tokens decoded
  --install-peers    first install node-llama-cpp and wllama outside the repository, to compare with
  --help             this text

Longtab is measured in Node (engine), and in Chromium on the processor (cpu) and on the graphics card (browser). llama.cpp runs beside the first,
wllama beside the others, each in the round in which it is compared. --only cpu,wllama touches no graphics card. LONGTAB_BROWSER names another
Chromium.`;

/** Rounds beyond this say nothing more. */
const mostRuns = 100;

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
      json: { type: "string" },
      quick: { type: "boolean", default: false },
      // For scripts/bench.mjs, which does it before this program starts.
      "install-peers": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { model, json, quick, help } = values;
  const contexts = readContexts("--contexts", values.contexts) ?? (quick ? [128] : [128, 1024]);
  const wllamaContexts = readContexts("--wllama-contexts", values["wllama-contexts"]) ?? contexts;
  const runs = readRuns(values.runs) ?? (quick ? 1 : 3);
  return {
    model,
    json,
    quick,
    help,
    runs,
    contexts,
    wllamaContexts,
    backend: readBackend(values.backend),
    only: readSections(values.only),
  };
}

function readContexts(option: string, text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const contexts = text.split(",").map(Number);
  const wrong = contexts.find((tokens) => !Number.isInteger(tokens) || tokens < 16 || tokens > mostContext);
  if (wrong !== undefined)
    throw new Error(`${option} takes whole numbers from 16 to ${mostContext} with commas between them, not "${text}".`);
  return [...new Set(contexts)].toSorted((a, b) => a - b);
}

function readBackend(text: string): BackendChoice {
  if (text === "auto" || text === "cpu" || text === "webgpu") return text;
  throw new Error(`There is no backend "${text}"; there are auto, cpu, webgpu.`);
}

function readRuns(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < 1 || runs > mostRuns)
    throw new Error(`--runs takes a whole number from 1 to ${mostRuns}, not "${text}".`);
  return runs;
}

function readSections(text: string | undefined): Set<SectionName> {
  if (text === undefined) return new Set(sections);
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !isSection(name));
  if (unknown !== undefined) throw new Error(`There is no section "${unknown}"; there are ${sections.join(", ")}.`);
  return new Set(names.filter(isSection));
}

function isSection(name: string): name is SectionName {
  return sections.some((section) => section === name);
}
