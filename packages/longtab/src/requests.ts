import { LongtabError } from "@longtab/errors";
import { validateSampling } from "@longtab/engine";
import type { Backend, Engine, GenerateOptions, Sampling, Summary } from "@longtab/engine";
import type { HeadRule } from "@longtab/attention";
import type { CacheUsage, ChatMessage } from "./api.ts";
import { farRange, forgottenRange, notableRanges, PromptPlaces } from "./passages.ts";
import type { GenerateEvent, GenerateRequest, GenerationSummary } from "./protocol.ts";

/** Text is sent at most this often, so that a fast model does not cost a message per token. */
const batchMs = 16;

/** How often the cache is looked at while a request runs. */
const cacheMs = 200;

/** A request whose options and messages have been found sound. */
export interface StartedRequest {
  engine: Engine;
  /** Ids of the messages in the model's chat format. */
  ids: Uint32Array;
  messages: ChatMessage[];
  options: GenerateOptions & { sampling: Sampling };
}

/** @throws LongtabError `invalid-option`, `invalid-message`, `template-failed`. */
export function startRequest(engine: Engine, request: GenerateRequest): StartedRequest {
  const {
    messages,
    maxTokens,
    stop,
    temperature,
    top_p: topP,
    top_k: topK,
    min_p: minP,
    repetition_penalty: repetitionPenalty,
    seed,
    continued = false,
  } = request;
  const sampling = validateSampling({ temperature, topP, topK, minP, repetitionPenalty, seed }, snakeCase);
  const ids = continued ? encodeContinued(engine, messages) : engine.encode({ messages });
  return { engine, ids, messages, options: { sampling, maxTokens, stop, continues: continued } };
}

/** The prompt of the messages before the last, the answer's opening included, and behind it the answer so far. */
function encodeContinued(engine: Pick<Engine, "encode" | "tokenizer">, messages: readonly ChatMessage[]): Uint32Array {
  const last = messages.at(-1);
  if (last?.role !== "assistant" || typeof last.content !== "string") {
    throw new LongtabError({
      code: "invalid-message",
      what: "There is no answer to go on with",
      value: String(last?.role),
      limit: "the last message must be the assistant's",
      remedy: "leave out continue_final_message to begin an answer",
    });
  }
  const opening = engine.encode({ messages: messages.slice(0, -1) });
  const answer = engine.tokenizer.encode(last.content);
  const ids = new Uint32Array(opening.length + answer.length);
  ids.set(opening);
  ids.set(answer, opening.length);
  return ids;
}

/** The option's name in the API. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Runs a request to its end; everything that happens goes to the port, a failure too. */
export async function runRequest(request: StartedRequest, port: MessagePort, signal: AbortSignal): Promise<void> {
  const { engine, ids, messages, options } = request;
  const send = (event: GenerateEvent): void => port.postMessage(event);
  const batch = new TextBatch((text, tokens) => send({ type: "text", text, tokens }));
  let lookedAt = performance.now();
  const look = (): void => {
    if (performance.now() - lookedAt < cacheMs) return;
    lookedAt = performance.now();
    send({ type: "cache", cache: describeCache(engine) });
  };
  let counting: Promise<unknown> | undefined;
  const onPrefill = (done: number, total: number): void => {
    // From here on: what earlier answers looked at is not this one's.
    counting ??= engine.backend.policy.selection && engine.retrieved().catch(() => {});
    send({ type: "prefill", done, total });
    look();
  };
  try {
    const pieces = engine.complete({ ids, shared: engine.sharedTokens(messages) }, { ...options, signal, onPrefill });
    for (let next = await pieces.next(); ; next = await pieces.next()) {
      if (!next.done) {
        batch.add(next.value.text, next.value.tokens);
        look();
        continue;
      }
      batch.flush();
      send({ type: "end", summary: await describe(request, next.value) });
      return;
    }
  } catch (error) {
    batch.flush();
    send({ type: "error", error: LongtabError.from(error).serialize() });
  }
}

async function describe({ engine, ids, messages }: StartedRequest, summary: Summary): Promise<GenerationSummary> {
  const { backend, tokenizer } = engine;
  const cache = describeCache(engine);
  const retrieved = notableRanges(await engine.retrieved(), ids.length);
  const forgotten = forgottenRange(rulesOf(backend), cache.tokens);
  const far = farRange(backend.policy.selection ?? { farStart: Infinity, farFrom: Infinity }, forgotten, cache.tokens);
  const ranges = [...retrieved, forgotten, far].filter(({ from, to }) => from < to);
  const places = ranges.length > 0 ? new PromptPlaces(tokenizer, ids, messages) : undefined;
  return {
    ...summary,
    cache,
    contextLength: backend.contextLength,
    retrieved: places ? retrieved.flatMap((range) => places.passages(range)) : [],
    forgotten: places?.passages(forgotten) ?? [],
    far: places?.passages(far) ?? [],
  };
}

function describeCache({ backend, contextTokens, pages }: Engine): CacheUsage {
  return { tokens: contextTokens, bytes: backend.memory().kv, pages };
}

function rulesOf({ policy, cacheForm: { layers, kvHeads } }: Backend): HeadRule[] {
  return Array.from({ length: layers * kvHeads }, (_, head) => policy.rule(Math.floor(head / kvHeads), head % kvHeads));
}

/** Gathers text for a moment before it is sent; the first piece goes at once. */
class TextBatch {
  #send: (text: string, tokens: number) => void;
  #text = "";
  #tokens = 0;
  #sentAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (text: string, tokens: number) => void) {
    this.#send = send;
  }

  add(text: string, tokens: number): void {
    this.#text += text;
    this.#tokens += tokens;
    const wait = this.#sentAt + batchMs - performance.now();
    if (wait <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), wait);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // Tokens without text of their own are told with the text that they lead to.
    if (this.#text === "") return;
    this.#send(this.#text, this.#tokens);
    this.#text = "";
    this.#tokens = 0;
    this.#sentAt = performance.now();
  }
}
