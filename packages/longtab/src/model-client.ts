import { LongtabError, orAborted, throwIfAborted } from "@longtab/errors";
import { transfer } from "comlink";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionParams,
  ChatMessage,
  ChatStream,
  Completions,
  LoadedModel,
  ModelInfo,
} from "./api.ts";
import { completionHead, plainMessages, toChunk, toCompletion, toRequest, toUsageChunk } from "./completion.ts";
import type { CompletionHead } from "./completion.ts";
import { EventQueue } from "./event-queue.ts";
import type { GenerateEvent } from "./protocol.ts";
import type { WorkerLink } from "./worker-link.ts";

/** A request that the worker has accepted. `cancel` may come at any time; after the end it does nothing. */
interface Reply {
  events: EventQueue<GenerateEvent>;
  cancel: () => void;
}

/** A model in its worker, as the page sees it: OpenAI's shapes outside, requests and ports inside. */
export class ModelClient implements LoadedModel {
  readonly model: ModelInfo;
  readonly lost: Promise<Error>;
  readonly chat: { completions: Completions };
  readonly #link: WorkerLink;
  /** How to end the requests that are under way. */
  readonly #open = new Set<(reason: LongtabError) => void>();
  #nextRequest = 1;

  constructor(link: WorkerLink, model: ModelInfo) {
    this.#link = link;
    this.model = model;
    this.lost = new Promise((resolve) => {
      void link.ended.then((reason) => {
        for (const end of this.#open) end(reason);
        if (reason.code !== "disposed") resolve(reason);
      });
    });
    this.chat = { completions: { create: this.#create.bind(this) as Completions["create"] } };
  }

  async countTokens(messages: ChatMessage[]): Promise<number> {
    return this.#link.call(async (api) => api.countTokens(plainMessages(messages)));
  }

  async dispose(): Promise<void> {
    this.#link.end(new LongtabError({ code: "disposed", what: "The model was disposed", remedy: "load it again" }));
  }

  async #create(params: ChatCompletionParams): Promise<ChatStream | ChatCompletion> {
    const reply = await this.#start(params);
    const head = completionHead(this.model.id);
    if (params.stream) {
      const chunks = streamChunks(reply, head, params);
      // A generator hears that it is left only once it has begun, and not while it waits.
      const leave = chunks.return.bind(chunks);
      chunks.return = async (value) => {
        reply.cancel();
        return leave(value);
      };
      return { [Symbol.asyncIterator]: () => chunks, abort: reply.cancel };
    }
    let content = "";
    try {
      for await (const event of reply.events) {
        if (event.type === "text") content += event.text;
        report(event, params);
        if (event.type === "end") return toCompletion(head, content, event.summary);
      }
    } finally {
      // What the caller is told may throw.
      reply.cancel();
    }
    throw new LongtabError({ code: "internal", what: "The answer ended without an end" });
  }

  async #start({ signal, ...params }: ChatCompletionParams): Promise<Reply> {
    throwIfAborted(signal);
    const request = toRequest(params);
    const id = this.#nextRequest++;
    const { port1, port2 } = new MessageChannel();
    const events = new EventQueue<GenerateEvent>();
    const end = (failure?: LongtabError): void => {
      events.end(failure);
      port1.close();
      signal?.removeEventListener("abort", cancel);
      this.#open.delete(end);
    };
    // The worker ends the request as well; nobody should have to wait for that.
    const cancel = (): void => {
      if (events.ended) return;
      void this.#link.call(async (api) => api.cancel(id)).catch(() => {});
      end(new LongtabError({ code: "aborted", what: "The request was aborted", cause: signal?.reason }));
    };
    port1.addEventListener("message", ({ data }: MessageEvent<GenerateEvent>) => {
      if (data.type === "error") return end(LongtabError.deserialize(data.error));
      events.push(data);
      if (data.type === "end") end();
    });
    port1.start();
    signal?.addEventListener("abort", cancel, { once: true });
    this.#open.add(end);
    try {
      await orAborted(
        this.#link.call(async (api) => api.start(id, request, transfer(port2, [port2]))),
        signal,
      );
    } catch (error) {
      end();
      throw error;
    }
    return { events, cancel };
  }
}

/** Tells the caller what is not part of the answer. */
function report(event: GenerateEvent, { onPrefill, onCache }: ChatCompletionParams): void {
  if (event.type === "prefill") onPrefill?.(event.done, event.total);
  if (event.type === "cache") onCache?.(event.cache);
}

/** Leaving the iteration early, also at the first chunk, cancels the request. */
async function* streamChunks(
  { events, cancel }: Reply,
  head: CompletionHead,
  params: ChatCompletionParams,
): AsyncGenerator<ChatCompletionChunk> {
  try {
    yield toChunk(head, { role: "assistant", content: "" });
    for await (const event of events) {
      report(event, params);
      if (event.type === "text" && event.text !== "")
        yield { ...toChunk(head, { content: event.text }), longtab: { tokens: event.tokens } };
      if (event.type === "end") {
        yield toChunk(head, {}, event.summary.finishReason);
        if (params.stream_options?.include_usage) yield toUsageChunk(head, event.summary);
      }
    }
  } finally {
    cancel();
  }
}
