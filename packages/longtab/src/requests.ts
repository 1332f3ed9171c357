import { LongtabError } from "@longtab/errors";
import { validateSampling } from "@longtab/engine";
import type { Engine, GenerateOptions, Prompt, Sampling } from "@longtab/engine";
import type { GenerateEvent, GenerateRequest, GenerationSummary } from "./protocol.ts";

/** Text is sent at most this often, so that a fast model does not cost a message per token. */
const batchMs = 16;

/** A request whose options and messages have been found sound. */
export interface StartedRequest {
  engine: Engine;
  prompt: Prompt;
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
  } = request;
  const sampling = validateSampling({ temperature, topP, topK, minP, repetitionPenalty, seed }, snakeCase);
  const prompt = { messages };
  engine.encode(prompt);
  return { engine, prompt, options: { sampling, maxTokens, stop } };
}

/** The option's name in the API. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Runs a request to its end; everything that happens goes to the port, a failure too. */
export async function runRequest({ engine, prompt, options }: StartedRequest, port: MessagePort, signal: AbortSignal): Promise<void> {
  const send = (event: GenerateEvent): void => port.postMessage(event);
  const batch = new TextBatch((text, tokens) => send({ type: "text", text, tokens }));
  try {
    const pieces = engine.complete(prompt, { ...options, signal, onPrefill: (done, total) => send({ type: "prefill", done, total }) });
    for (let next = await pieces.next(); ; next = await pieces.next()) {
      if (!next.done) {
        batch.add(next.value.text, next.value.tokens);
        continue;
      }
      batch.flush();
      send({ type: "end", summary: describe(engine, next.value) });
      return;
    }
  } catch (error) {
    batch.flush();
    send({ type: "error", error: LongtabError.from(error).serialize() });
  }
}

function describe(
  { backend, contextTokens }: Engine,
  summary: Omit<GenerationSummary, "contextTokens" | "contextLength" | "kvBytes">,
): GenerationSummary {
  return { ...summary, contextTokens, contextLength: backend.contextLength, kvBytes: backend.memory().kv };
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
    if (this.#tokens === 0) return;
    this.#send(this.#text, this.#tokens);
    this.#text = "";
    this.#tokens = 0;
    this.#sentAt = performance.now();
  }
}
