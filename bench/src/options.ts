import { parseArgs } from "node:util";

/** The parts of the bench, in the order in which they run. */
export const sections = ["kernels", "engine", "llama.cpp", "browser", "wllama"] as const;
export type SectionName = (typeof sections)[number];

export interface BenchOptions {
  /** A GGUF file; the catalogue's first model unless named. */
  model: string | undefined;
  /** Rounds; in each, every contestant runs once. */
  runs: number;
  only: ReadonlySet<SectionName>;
  /** Where to write the numbers as JSON. */
  json: string | undefined;
  /** Fewer tokens, the short context only: a look rather than a measurement. */
  quick: boolean;
  help: boolean;
}

export const usage = `npm run bench -- [options]

  --model FILE       a GGUF file; otherwise the catalogue's first model
  --runs N           rounds, 3 unless told; in each round every contestant runs once
  --only A,B         some of: ${sections.join(", ")}
  --json FILE        also write every number there
  --quick            one round, 128 tokens of context, 8 tokens decoded
  --install-peers    first install node-llama-cpp and wllama outside the repository, to compare with
  --help             this text

Longtab is measured in Node (engine) and in Chromium (browser). llama.cpp runs beside the former, wllama beside the latter; each peer is
compared in the round in which it ran. LONGTAB_BROWSER names another Chromium.`;

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
      json: { type: "string" },
      quick: { type: "boolean", default: false },
      // For scripts/bench.mjs, which does it before this program starts.
      "install-peers": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { model, json, quick, help } = values;
  return { model, json, quick, help, runs: readRuns(values.runs) ?? (quick ? 1 : 3), only: readSections(values.only) };
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
