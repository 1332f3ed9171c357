import { LongtabError, orAborted, throwIfAborted } from "@longtab/errors";
import type { Remote } from "comlink";
import { transfer } from "comlink";
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionParams, ChatMessage, ChatStream, Completions, LoadedModel, ModelInfo } from "./api.ts";
import { completionHead, toChunk, toCompletion, toRequest, toUsageChunk } from "./completion.ts";
import { EventQueue } from "./event-queue.ts";
import type { GenerateEvent, WorkerApi } from "./protocol.ts";

/** A model in its worker, as the page sees it: OpenAI's shapes outside, requests and ports inside. */
export class ModelClient implements LoadedModel {
  readonly model: ModelInfo;
  readonly lost: Promise<Error>;
  readonly chat: { completions: Completions };
  #worker: Worker;
  #api: Remote<WorkerApi>;
  #nextRequest = 1;
  #open = new Set<EventQueue<GenerateEvent>>();
  #failure: Error | undefined;

  constructor(worker: Worker, api: Remote<WorkerApi>, model: ModelInfo, lost: Promise<Error>) {
    this.#worker = worker;
    this.#api = api;
    this.model = model;
    this.lost = lost;
    this.chat = { completions: { create: this.#create.bind(this) as Completions["create"] } };
    void lost.then((error) => this.#fail(error));
  }

  async countTokens(messages: ChatMessage[]): Promise<number> {
    return this.#call(this.#api.countTokens(messages));
  }

  async dispose(): Promise<void> {
    if (!this.#failure) await Promise.resolve(this.#api.dispose()).catch(() => {});
    this.#fail(new LongtabError({ code: "disposed", what: "The model was disposed", remedy: "load it again" }));
    this.#worker.terminate();
  }

  async #create(params: ChatCompletionParams): Promise<ChatStream | ChatCompletion> {
    const { events, cancel } = await this.#start(params);
    const head = completionHead(this.model.id);
    if (params.stream) {
      const chunks = this.#chunks(events, head, params);
      return { [Symbol.asyncIterator]: () => chunks, abort: cancel };
    }
    let content = "";
    for await (const event of events) {
      if (event.type === "text") content += event.text;
      if (event.type === "prefill") params.onPrefill?.(event.done, event.total);
      if (event.type === "end") return toCompletion(head, content, event.summary);
    }
    throw new LongtabError({ code: "internal", what: "The answer ended without an end" });
  }

  async *#chunks(events: AsyncGenerator<GenerateEvent>, head: ReturnType<typeof completionHead>, params: ChatCompletionParams): AsyncGenerator<ChatCompletionChunk> {
    yield toChunk(head, { role: "assistant", content: "" });
    for await (const event of events) {
      if (event.type === "prefill") params.onPrefill?.(event.done, event.total);
      if (event.type === "text" && event.text !== "") yield toChunk(head, { content: event.text });
      if (event.type === "end") {
        yield toChunk(head, {}, event.summary.finishReason);
        if (params.stream_options?.include_usage) yield toUsageChunk(head, event.summary);
      }
    }
  }

  /** Resolves when the worker has accepted the request. Leaving the events early cancels it. */
  async #start({ signal, ...params }: ChatCompletionParams): Promise<{ events: AsyncGenerator<GenerateEvent>; cancel: () => void }> {
    throwIfAborted(signal);
    const request = toRequest(params);
    const id = this.#nextRequest++;
    const { port1, port2 } = new MessageChannel();
    const queue = new EventQueue<GenerateEvent>();
    port1.addEventListener("message", ({ data }: MessageEvent<GenerateEvent>) => {
      if (data.type === "error") queue.end(LongtabError.deserialize(data.error));
      else queue.push(data);
      if (data.type === "end") queue.end();
    });
    port1.start();
    const api = this.#api;
    const cancel = (): void => {
      void api.cancel(id);
      // The worker says so as well; nobody should have to wait for that.
      queue.end(new LongtabError({ code: "aborted", what: "The request was aborted", cause: signal?.reason }));
    };
    signal?.addEventListener("abort", cancel, { once: true });
    this.#open.add(queue);
    const finish = (): void => {
      signal?.removeEventListener("abort", cancel);
      this.#open.delete(queue);
      port1.close();
    };
    try {
      await orAborted(this.#call(api.start(id, request, transfer(port2, [port2]))), signal);
    } catch (error) {
      finish();
      throw error;
    }
    return { cancel, events: followed(queue, () => void api.cancel(id), finish) };
  }

  /** A call to a worker that is gone would never return. */
  async #call<T>(call: Promise<T>): Promise<T> {
    if (this.#failure) throw this.#failure;
    return Promise.race([call, this.lost.then((error) => Promise.reject(error))]);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const queue of this.#open) queue.end(this.#failure);
  }
}

/** The queue's events; `abandon` is called when the iteration is left before the last one. */
async function* followed(queue: EventQueue<GenerateEvent>, abandon: () => void, finish: () => void): AsyncGenerator<GenerateEvent> {
  let ended = false;
  try {
    for await (const event of queue) {
      ended = event.type === "end";
      yield event;
    }
  } finally {
    if (!ended) abandon();
    finish();
  }
}
