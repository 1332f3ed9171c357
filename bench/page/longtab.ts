// The page that the bench loads to measure Longtab: the public API and a clock.

import { Longtab } from "longtab";
import type { BackendKind, ChatCompletion, ChatMessage, LoadOptions, LoadPhase, LoadedModel, ModelInfo } from "longtab";
import { PhaseTimes } from "../src/phase-times.ts";
import { fitQuestion } from "../src/question.ts";
import { readStored } from "./read-stored.ts";
import { measureStored } from "./stored-session.ts";
import type { StoredFigures } from "./stored-session.ts";

/** What the page is asked to load. */
export interface LoadAsked extends Pick<LoadOptions, "context"> {
  url: string;
  contextLength: number;
  backend: BackendKind;
}

export interface LoadFigures {
  seconds: number;
  phases: Record<LoadPhase, number>;
  model: ModelInfo;
}

export interface AnswerFigures {
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  prefillSeconds: number;
  decodeSeconds: number;
  kvBytes: number;
}

/** A session that was read and kept. */
export interface KeptFigures {
  question: string;
  promptTokens: number;
  prefillSeconds: number;
  stored: StoredFigures;
}

/** A session that was brought back, and kept again. */
export interface RecalledFigures {
  /** What was not read again. */
  cachedTokens: number;
  /** By how much the first question is answered later than the same one asked again. */
  restoreSeconds: number;
  stored: StoredFigures;
}

let loaded: LoadedModel | undefined;

const harness = {
  /** Loads a model from a URL, or from IndexedDB when this profile has loaded it before. */
  async load({ url, ...options }: LoadAsked): Promise<LoadFigures> {
    const times = new PhaseTimes();
    const started = performance.now();
    loaded = await Longtab.load(url, { ...options, onProgress: ({ phase }) => times.enter(phase) });
    times.end();
    const phases = {
      download: times.seconds("download"),
      verify: times.seconds("verify"),
      upload: times.seconds("upload"),
      shaders: times.seconds("shaders"),
    };
    return { seconds: (performance.now() - started) / 1000, phases, model: loaded.model };
  },

  /** Seconds from asking a short question to the first piece of its answer. */
  async firstToken(): Promise<{ seconds: number; promptTokens: number }> {
    const messages: ChatMessage[] = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
    ];
    const promptTokens = await model().countTokens(messages);
    const started = performance.now();
    const stream = await model().chat.completions.create({ messages, stream: true, max_tokens: 2, temperature: 0 });
    let seconds = Number.NaN;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content && Number.isNaN(seconds)) seconds = (performance.now() - started) / 1000;
    }
    return { seconds, promptTokens };
  },

  /** Answers a question about a text that, with the chat template, is about `tokens` long; the text has that many alone, and loses words. */
  async answer(text: string, tokens: number, answerTokens: number): Promise<AnswerFigures> {
    const question = await fitQuestion(text, tokens, (asked) => model().countTokens(ask(asked)));
    // The first token comes with the prefill.
    const { usage } = await model().chat.completions.create({ messages: ask(question), max_tokens: answerTokens + 1, temperature: 0 });
    return {
      promptTokens: usage.prompt_tokens,
      cachedTokens: usage.prompt_tokens_details.cached_tokens,
      completionTokens: usage.completion_tokens,
      prefillSeconds: usage.longtab.prefill_seconds,
      decodeSeconds: usage.longtab.decode_seconds,
      kvBytes: usage.longtab.kv_bytes,
    };
  },

  /** Asks a question of about so many tokens in a session, and waits until the session is kept. */
  async keep(text: string, tokens: number): Promise<KeptFigures> {
    const question = await fitQuestion(text, tokens, (asked) => model().countTokens(ask(asked)));
    const since = Date.now();
    const { usage } = await answerIn(question);
    const stored = await measureStored(session, since);
    return { question, promptTokens: usage.prompt_tokens, prefillSeconds: usage.longtab.prefill_seconds, stored };
  },

  /** Asks a question whose session was kept by another page, and then again. */
  async recall(question: string): Promise<RecalledFigures> {
    const started = performance.now();
    const { usage } = await answerIn(question);
    const recalled = performance.now();
    const since = Date.now();
    await answerIn(question);
    const restoreSeconds = (2 * recalled - started - performance.now()) / 1000;
    return { cachedTokens: usage.prompt_tokens_details.cached_tokens, restoreSeconds, stored: await measureStored(session, since) };
  },

  readStored,

  async dispose(): Promise<void> {
    await loaded?.dispose();
  },
};

/** The name of the one session. */
const session = "bench";

const ask = (content: string): ChatMessage[] => [{ role: "user", content }];

async function answerIn(question: string): Promise<ChatCompletion> {
  return model().chat.completions.create({ messages: ask(question), session, max_tokens: 1, temperature: 0 });
}

function model(): LoadedModel {
  if (loaded === undefined) throw new Error("There is no model yet.");
  return loaded;
}

declare global {
  interface Window {
    longtabHarness: typeof harness;
  }
}

window.longtabHarness = harness;
