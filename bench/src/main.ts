import { readFile, stat, writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { measureBrowser } from "./browser/measure-browser.ts";
import { measureSession } from "./browser/measure-session.ts";
import { describeMachine } from "./machine.ts";
import { childVariable, inChild } from "./node/child.ts";
import { measureNode, simds } from "./node/measure-node.ts";
import { openTokenizer } from "./node/open-backend.ts";
import { readContext } from "./node/head-map.ts";
import type { RuntimeInput } from "./node/runtime-input.ts";
import { serveTask } from "./node/tasks.ts";
import type { BenchOptions } from "./options.ts";
import { contextLength, mostSessionTokens, readOptions, usage } from "./options.ts";
import { drawContext } from "./picture/draw-context.ts";
import { printReport } from "./print.ts";
import { createPrompt } from "./prompts.ts";
import type { Report } from "./report.ts";
import { attempt } from "./report.ts";

/** Where scripts/bench.mjs has put things. */
const { LONGTAB_MODEL, LONGTAB_PEERS, LONGTAB_BROWSER } = process.env;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(usage);
    return;
  }
  const { model, from, json, picture } = options;
  const report = from === undefined ? await measure(resolve(model ?? LONGTAB_MODEL ?? ""), options) : await readReport(from);
  console.log(printReport(report));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (picture !== undefined) await writeFile(picture, drawContext(report));
}

async function readReport(file: string): Promise<Report> {
  return JSON.parse(await readFile(file, "utf8")) as Report;
}

async function measure(model: string, options: BenchOptions): Promise<Report> {
  const { runs, quick, only, contexts } = options;
  const settings = { runs, contexts: [...contexts], decodeTokens: quick ? 16 : 32, contextLength, context: options.context };
  const report: Report = { machine: describeMachine(), model: { file: basename(model), bytes: (await stat(model)).size }, settings };
  const tokenizer = await openTokenizer(model);
  const prompts = settings.contexts.map((tokens) => createPrompt(tokenizer, tokens));
  const context = await readContext(model, options.context);
  const input: RuntimeInput = { model, prompts, decodeTokens: settings.decodeTokens, contextLength, context, threads: options.threads };
  const peers = LONGTAB_PEERS ?? "";
  const inNode = only.has("engine") || only.has("llama.cpp");
  const inBrowser = only.has("cpu") || only.has("browser") || only.has("wllama");

  // A driver that ends the process which asks for it is none.
  const inProcess = only.has("kernels") || inNode || only.has("context") || only.has("session");
  const backend = inProcess ? await inChild("backend", { choice: options.backend }).catch(() => "cpu" as const) : "cpu";
  if (only.has("kernels")) {
    say("Kernels ...");
    if (backend === "webgpu") report.kernels = await attempt(async () => inChild("kernels", { quick }));
    else {
      report.products = [];
      for (const simd of simds) report.products.push(await attempt(async () => inChild("products", { model, simd, quick })));
    }
  }
  if (inNode) {
    const node = { backend, rounds: runs, peers: only.has("llama.cpp") ? peers : undefined, say };
    report.node = await attempt(async () => measureNode(input, node));
  }
  if (only.has("context")) {
    say("Context policies in Node ...");
    const { policies, lengths, read, threads, clock } = options;
    const { kv, headMap } = options.context;
    const asked = { model, threads, clock, kv, headMap, policies, lengths, read, rounds: runs, decodeTokens: settings.decodeTokens };
    const place = backend === "webgpu" ? "webgpu" : "relaxed";
    report.context = await attempt(async () => inChild("context", { ...asked, place }));
  }
  if (only.has("session")) {
    const tokens = Math.max(...options.lengths.filter((length) => length <= mostSessionTokens));
    const asked = { ...input, prompts: tokens > 0 ? [createPrompt(tokenizer, tokens)] : [] };
    report.session = await attempt(async () => measureSession(asked, { executable: LONGTAB_BROWSER, backend, rounds: runs, say }));
  }
  if (inBrowser) {
    const { wllamaContexts } = options;
    const wllama = only.has("wllama") ? { folder: peers, contexts: wllamaContexts } : undefined;
    // wllama alone has somebody to be compared with: Longtab where it has always been.
    const backends = { cpu: only.has("cpu"), webgpu: only.has("browser") || !only.has("cpu") };
    report.browser = await attempt(async () => measureBrowser(input, { executable: LONGTAB_BROWSER, rounds: runs, backends, wllama, say }));
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
