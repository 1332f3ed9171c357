import type { AwayPlaces, ContextOptions } from "@longtab/attention";
import { BytesSource, parseGguf } from "@longtab/formats";
import type { ByteSource, ModelFile } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import type { TinyModelOptions } from "@longtab/formats/testing";
import { Tokenizer } from "@longtab/tokenizer";
import type { Backend, Sampling } from "../backend.ts";
import { Engine } from "../engine.ts";
import type { Prompt } from "../engine.ts";
import { generate } from "../generate.ts";
import type { GenerateOptions, Piece, Summary } from "../generate.ts";
import { Session } from "../session.ts";

export const greedy: Sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 0, seed: 0 };
export const warm: Sampling = { ...greedy, temperature: 1, seed: 1 };

export interface LoadOptions {
  contextLength?: number;
  context?: ContextOptions;
  /** Tokens in the cache, and room for those that are away. */
  pooledLength?: number;
  away?: AwayPlaces;
  signal?: AbortSignal;
  onProgress?: (progress: { phase: string; loaded: number; total: number }) => void;
}

/** What the behaviour of a backend is tested with. */
export interface TestedBackend<B extends Backend = Backend> {
  /** Loads a model; nothing may stay when it fails. */
  load(file: ModelFile, source: ByteSource, options?: LoadOptions): Promise<B>;
  /** Makes the next chunks of prompts the shortest, however fast the machine is. */
  shortenChunks(backend: B): void;
  /** Largest difference of two computations of a logit by other ways (rows at a time); logits of tiny models have a deviation of about 2. */
  tolerance: number;
}

export interface TinyEngine<B extends Backend = Backend> {
  engine: Engine;
  backend: B;
  tokenizer: Tokenizer;
}

/** A tiny model's engine. */
export async function loadTiny<B extends Backend>(
  tested: TestedBackend<B>,
  options: TinyModelOptions = {},
  load: LoadOptions = {},
): Promise<TinyEngine<B>> {
  const source = new BytesSource(tinyModel(options));
  const file = await parseGguf(source);
  const backend = await tested.load(file, source, load);
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
  prompt: Prompt | string,
  options: Partial<GenerateOptions> = {},
): Promise<Answer> {
  const ids = engine.encode(typeof prompt === "string" ? { text: prompt } : prompt);
  const session = new Session(backend);
  try {
    return await collect(generate(backend, session, tokenizer, ids, { sampling: greedy, ...options }));
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
