import { BytesSource, parseGguf } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import type { TinyModelOptions } from "@longtab/formats/testing";
import type { Gpu } from "@longtab/gpu";
import { openTestGpu } from "@longtab/gpu/testing";
import { Tokenizer } from "@longtab/tokenizer";
import { Engine, generate, loadWebGpuBackend, Session } from "../src/index.ts";
import type { GenerateOptions, Piece, Prompt, Sampling, Summary, WebGpuBackend } from "../src/index.ts";
import { BorrowedGpu } from "./borrowed-gpu.ts";

export const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 0, seed: 0 };
export const warm: Sampling = { ...greedy, temperature: 1, seed: 1 };

export interface TinyEngine {
  engine: Engine;
  backend: WebGpuBackend;
  tokenizer: Tokenizer;
}

/** A tiny model's engine on the test process's device, or on one of its own. */
export async function loadTiny(options: TinyModelOptions = {}, gpu?: Gpu): Promise<TinyEngine> {
  const source = new BytesSource(tinyModel(options));
  const file = await parseGguf(source);
  const backend = await loadWebGpuBackend(gpu ?? new BorrowedGpu(await openTestGpu()), file, source);
  const tokenizer = Tokenizer.fromMetadata(file.metadata);
  return { backend, tokenizer, engine: new Engine(backend, tokenizer) };
}

export interface Answer {
  text: string;
  pieces: Piece[];
  summary: Summary;
}

/** Reads an answer to its end. */
export async function collect(generation: AsyncGenerator<Piece, Summary>): Promise<Answer> {
  const pieces: Piece[] = [];
  for (;;) {
    const next = await generation.next();
    if (next.done) return { text: pieces.map(({ text }) => text).join(""), pieces, summary: next.value };
    pieces.push(next.value);
  }
}

export function answer({ engine }: TinyEngine, prompt: Prompt | string, options: Partial<GenerateOptions> = {}): Promise<Answer> {
  return collect(engine.complete(typeof prompt === "string" ? { text: prompt } : prompt, { sampling: greedy, ...options }));
}

/** The answer of a session that has seen nothing before; its pages are free again afterwards. */
export async function answerAlone(
  { backend, tokenizer, engine }: TinyEngine,
  text: string,
  options: Partial<GenerateOptions> = {},
): Promise<Answer> {
  const session = new Session(backend);
  try {
    return await collect(generate(backend, session, tokenizer, engine.encode({ text }), { sampling: greedy, ...options }));
  } finally {
    session.dispose();
  }
}

/** Makes an engine forget its last conversation but for one token, with which no other prompt of the tests begins. */
export async function forget(tiny: TinyEngine): Promise<void> {
  await answer(tiny, "~", { maxTokens: 1 });
}

/** The index of the largest value, the first of equals. */
export function argmax(values: Float32Array): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? NaN) ? index : best), 0);
}
