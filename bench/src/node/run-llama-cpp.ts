import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Sample } from "../figures.ts";
import { decodeAt, prefillOf } from "../figures.ts";
import { processMemory } from "./process-memory.ts";
import type { RuntimeInput } from "./runtime-input.ts";

/** As much of node-llama-cpp's interface as is used here; the package is not part of the workspace. */
interface NodeLlamaCpp {
  getLlama(this: void, options: { gpu: false; maxThreads: number; build: "never"; logLevel: "error" }): Promise<Llama>;
}
interface Llama {
  loadModel(options: { modelPath: string }): Promise<LlamaModel>;
}
interface LlamaModel {
  createContext(options: { contextSize: number; threads: number }): Promise<LlamaContext>;
}
interface LlamaContext {
  readonly currentThreads: number;
  getSequence(): LlamaSequence;
}
interface LlamaSequence {
  /** Draws token after token, greedily unless told; the first comes when the prompt has been read. */
  evaluate(tokens: number[], options: { temperature: number; yieldEogToken: boolean }): AsyncGenerator<number, void>;
  clearHistory(): Promise<void>;
}

/** Where `npm run bench -- --install-peers` puts llama.cpp. */
function llamaCppEntry(peers: string): string {
  return join(peers, "node_modules", "node-llama-cpp", "dist", "index.js");
}

export function hasLlamaCpp(peers: string): boolean {
  return existsSync(llamaCppEntry(peers));
}

/** The same tokens through llama.cpp's native CPU code, with as many threads as there are cores. */
export async function runLlamaCpp({
  model,
  prompts,
  decodeTokens,
  contextLength,
  peers,
}: RuntimeInput & { peers: string }): Promise<Sample[]> {
  const { getLlama } = (await import(/* @vite-ignore */ pathToFileURL(llamaCppEntry(peers)).href)) as NodeLlamaCpp;
  const threads = availableParallelism();
  const started = performance.now();
  const llama = await getLlama({ gpu: false, maxThreads: threads, build: "never", logLevel: "error" });
  const context = await (await llama.loadModel({ modelPath: model })).createContext({ contextSize: contextLength, threads });
  const sequence = context.getSequence();
  const samples: Sample[] = [{ name: "load", unit: "s", value: (performance.now() - started) / 1000 }];
  // The first evaluation also allocates; Longtab has run a step while loading, too.
  await sequence.evaluate([1, 2, 3], { temperature: 0, yieldEogToken: true }).next();
  for (const { tokens, ids } of prompts) {
    await sequence.clearHistory();
    const drawn = sequence.evaluate(ids, { temperature: 0, yieldEogToken: true });
    const before = performance.now();
    await drawn.next();
    const prefilled = performance.now();
    for (let token = 0; token < decodeTokens; token++) await drawn.next();
    const decoded = performance.now();
    await drawn.return();
    samples.push({ name: prefillOf(tokens), unit: "tok/s", value: (tokens / (prefilled - before)) * 1000 });
    samples.push({ name: decodeAt(tokens), unit: "tok/s", value: (decodeTokens / (decoded - prefilled)) * 1000 });
  }
  samples.push({ name: "peak memory of the process", unit: "MB", value: processMemory() / 1e6 });
  return samples;
}
