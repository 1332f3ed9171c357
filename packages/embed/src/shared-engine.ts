import { LongtabError, load } from "longtab/parts";
import type { ChatCompletionChunk, ChatMessage, LoadProgress, LoadedModel } from "longtab/parts";
import type { EngineOptions } from "./options.ts";

export type EngineState =
  | { at: "idle" }
  | { at: "loading"; progress: LoadProgress | undefined }
  | { at: "ready"; model: LoadedModel }
  | { at: "failed"; error: LongtabError };

/** Hears of every change of the engine's state. */
export type Listener = (state: EngineState) => void;

/**
 * A loaded model, shared by the page's elements that ask for the same. It is loaded when one of them is told to, counts who uses it, and is gone
 * with the last. Elements that ask for different models have an engine each: the page's owner wants both, and may have the memory.
 */
export class SharedEngine {
  static readonly #engines = new Map<string, SharedEngine>();

  readonly options: EngineOptions;
  readonly #key: string;
  readonly #listeners = new Set<Listener>();
  #state: EngineState = { at: "idle" };
  #loading: AbortController | undefined;
  #requests = 0;

  private constructor(options: EngineOptions, key: string) {
    this.options = options;
    this.#key = key;
  }

  /** The engine of these options, of which one is made where the page has none. */
  static of(options: EngineOptions): SharedEngine {
    const key = JSON.stringify(options);
    const engine = SharedEngine.#engines.get(key) ?? new SharedEngine(options, key);
    SharedEngine.#engines.set(key, engine);
    return engine;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** True while it answers, or is going to. */
  get busy(): boolean {
    return this.#requests > 0;
  }

  join(listener: Listener): void {
    this.#listeners.add(listener);
  }

  /** The last one that leaves ends the worker, and with it the model's memory. What is stored stays. */
  leave(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    SharedEngine.#engines.delete(this.#key);
    this.cancel();
    if (this.#state.at === "ready") void this.#state.model.dispose();
    this.#state = { at: "idle" };
  }

  /** Loads the model, unless it is loaded or being loaded. */
  start(): void {
    if (this.#state.at === "loading" || this.#state.at === "ready") return;
    void this.#load();
  }

  /** What is stored already stays, and the next start goes on from there. */
  cancel(): void {
    this.#loading?.abort();
  }

  /** Streams an answer; requests of several elements are answered one after another. @throws LongtabError */
  async *answer(messages: ChatMessage[], signal: AbortSignal, onTurn: () => void): AsyncGenerator<ChatCompletionChunk> {
    if (this.#state.at === "failed") throw this.#state.error;
    if (this.#state.at !== "ready") throw new LongtabError({ code: "disposed", what: "The model was closed", remedy: "ask again" });
    this.#requests++;
    try {
      const stream = await this.#state.model.chat.completions.create({ messages, stream: true, signal, onPrefill: onTurn });
      yield* stream;
    } finally {
      this.#requests--;
    }
  }

  async #load(): Promise<void> {
    const controller = new AbortController();
    this.#loading = controller;
    this.#change({ at: "loading", progress: undefined });
    const { model, modelBase, context, backend } = this.options;
    try {
      const loaded = await load(model, {
        context,
        backend,
        // Of a chat on somebody's page nothing is left on a visitor's disk, nor is the code fetched that would write it.
        away: false,
        ...(modelBase !== undefined && { modelBase }),
        signal: controller.signal,
        onProgress: (progress) => !controller.signal.aborted && this.#change({ at: "loading", progress }),
      });
      void loaded.lost.then((error) => {
        if (this.#state.at === "ready" && this.#state.model === loaded) this.#change({ at: "failed", error: LongtabError.from(error) });
      });
      this.#change({ at: "ready", model: loaded });
    } catch (cause) {
      const error = LongtabError.from(cause);
      // A later load is not ended by the failure of this one.
      if (this.#loading === controller) this.#change(error.code === "aborted" ? { at: "idle" } : { at: "failed", error });
    }
  }

  #change(state: EngineState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
