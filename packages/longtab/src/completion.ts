import { LongtabError } from "@longtab/errors";
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionParams, ChatMessage, FinishReason, Usage } from "./api.ts";
import type { GenerateRequest, GenerationSummary } from "./protocol.ts";

const idBytes = 16;
/** More stop strings than this are a mistake. */
const mostStops = 16;

/** What every chunk of one answer has in common. */
export interface CompletionHead {
  id: string;
  created: number;
  model: string;
}

export function completionHead(model: string): CompletionHead {
  // Not randomUUID, which insecure contexts lack.
  const id = Array.from(crypto.getRandomValues(new Uint8Array(idBytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { id: `chatcmpl-${id}`, created: Math.floor(Date.now() / 1000), model };
}

/** OpenAI's parameters as the worker takes them. @throws LongtabError `invalid-option`. */
export function toRequest(params: ChatCompletionParams): GenerateRequest {
  const { temperature, top_p, top_k, min_p, repetition_penalty, seed } = params;
  // Null is OpenAI's way to leave an option out.
  const maxTokens = params.max_completion_tokens ?? params.max_tokens ?? undefined;
  if (maxTokens !== undefined && (!Number.isInteger(maxTokens) || maxTokens < 1)) {
    throw new LongtabError({
      code: "invalid-option",
      what: "max_tokens must be a whole number of tokens",
      value: String(maxTokens),
      limit: "at least 1",
      remedy: "leave it out to let the model decide",
    });
  }
  const given = { temperature, top_p, top_k, min_p, repetition_penalty, seed };
  // Options left out must stay left out: the worker fills in defaults.
  const sampling = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null));
  return {
    messages: plainMessages(params.messages),
    stop: stopStrings(params.stop),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(params.session !== undefined && { session: sessionName(params.session) }),
    ...(params.continue_final_message === true && { continued: true }),
    ...sampling,
  };
}

/**
 * Copies that can be posted: a page may hold its messages in what cannot, a reactive proxy for one. What is no message at all becomes one
 * that the tokenizer refuses, with the reason.
 */
export function plainMessages(messages: readonly ChatMessage[]): ChatMessage[] {
  return Array.from(messages ?? [], (message) => ({ role: message?.role, content: postable(message?.content) }));
}

/** What is no text is refused whatever it is. */
function postable(content: string): string {
  return content !== null && ["object", "function", "symbol"].includes(typeof content) ? ({} as string) : content;
}

function stopStrings(stop: string | string[] | undefined): string[] {
  // A copy, as of messages.
  const stops = Array.isArray(stop) ? [...stop] : [stop ?? []].flat();
  if (stops.length > mostStops || stops.some((string) => typeof string !== "string" || string === "")) {
    throw new LongtabError({
      code: "invalid-option",
      what: "stop must be a few strings that are not empty",
      value: `${stops.length} strings`,
      limit: mostStops,
      remedy: "give fewer, non-empty strings",
    });
  }
  return stops;
}

/** Longer names are a mistake: it is written with every snapshot. */
const longestSessionName = 200;

function sessionName(session: string): string {
  if (typeof session !== "string" || session === "" || session.length > longestSessionName) {
    throw new LongtabError({
      code: "invalid-option",
      what: "session must be a short string that is not empty",
      value: typeof session === "string" ? `${session.length} characters` : typeof session,
      limit: `${longestSessionName} characters`,
      remedy: "use the id of the conversation, or leave it out",
    });
  }
  return session;
}

export function toChunk(
  head: CompletionHead,
  delta: { role?: "assistant"; content?: string },
  finishReason: FinishReason | null = null,
): ChatCompletionChunk {
  return { ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finishReason }] };
}

/** OpenAI's last chunk: no choices, only usage. */
export function toUsageChunk(head: CompletionHead, summary: GenerationSummary): ChatCompletionChunk {
  return { ...head, object: "chat.completion.chunk", choices: [], usage: toUsage(summary) };
}

export function toCompletion(head: CompletionHead, content: string, summary: GenerationSummary): ChatCompletion {
  return {
    ...head,
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: summary.finishReason }],
    usage: toUsage(summary),
  };
}

function toUsage(summary: GenerationSummary): Usage {
  const { promptTokens, cachedTokens, completionTokens, prefillSeconds, decodeSeconds, contextLength, cache, retrieved, forgotten, far } =
    summary;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
    longtab: {
      prefill_seconds: prefillSeconds,
      decode_seconds: decodeSeconds,
      prefill_tokens_per_second: perSecond(promptTokens - cachedTokens, prefillSeconds),
      // The first token comes with the prefill.
      decode_tokens_per_second: perSecond(completionTokens - 1, decodeSeconds),
      context_tokens: cache.tokens,
      context_length: contextLength,
      kv_bytes: cache.bytes,
      pages: cache.pages,
      retrieved,
      forgotten,
      far,
    },
  };
}

function perSecond(tokens: number, seconds: number): number {
  return seconds > 0 ? tokens / seconds : 0;
}
