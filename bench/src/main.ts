import { stat, writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { measureBrowser } from "./browser/measure-browser.ts";
import { describeMachine } from "./machine.ts";
import { childVariable, inChild } from "./node/child.ts";
import { measureNode } from "./node/measure-node.ts";
import { openTokenizer } from "./node/open-backend.ts";
import type { RuntimeInput } from "./node/runtime-input.ts";
import { serveTask } from "./node/tasks.ts";
import type { BenchOptions } from "./options.ts";
import { readOptions, usage } from "./options.ts";
import { printReport } from "./print.ts";
import { createPrompt } from "./prompts.ts";
import type { Report } from "./report.ts";
import { attempt } from "./report.ts";

/** Where scripts/bench.mjs has put things. */
const { LONGTAB_MODEL, LONGTAB_PEERS, LONGTAB_BROWSER } = process.env;

/** The most context that anything here asks for, and room for an answer: the same for every runtime. */
const contextLength = 4608;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(usage);
    return;
  }
  const model = resolve(options.model ?? LONGTAB_MODEL ?? "");
  const report = await measure(model, options);
  console.log(printReport(report));
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
}

async function measure(model: string, { runs, quick, only }: BenchOptions): Promise<Report> {
  const settings = { runs, contexts: quick ? [128] : [128, 1024], decodeTokens: quick ? 8 : 32, contextLength };
  const report: Report = { machine: describeMachine(), model: { file: basename(model), bytes: (await stat(model)).size }, settings };
  const tokenizer = await openTokenizer(model);
  const prompts = settings.contexts.map((tokens) => createPrompt(tokenizer, tokens));
  const input: RuntimeInput = { model, prompts, decodeTokens: settings.decodeTokens, contextLength };
  const peers = LONGTAB_PEERS ?? "";

  if (only.has("kernels")) {
    say("Kernels ...");
    report.kernels = await attempt(async () => inChild("kernels", { quick }));
  }
  if (only.has("engine") || only.has("llama.cpp")) {
    report.node = await attempt(async () => measureNode(input, { rounds: runs, peers: only.has("llama.cpp") ? peers : undefined, say }));
  }
  if (only.has("browser") || only.has("wllama")) {
    const browser = { executable: LONGTAB_BROWSER, rounds: runs, peers: only.has("wllama") ? peers : undefined, say };
    report.browser = await attempt(async () => measureBrowser(input, browser));
  }
  return report;
}

/** What happens now; the report alone goes to standard output. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

if (process.env[childVariable] !== undefined) serveTask();
else {
  await main().catch((error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
