import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionParams,
  LoadOptions,
  LoadProgress,
  LoadedModel,
  ModelInfo,
  ModelReference,
} from "../src/api.ts";
import { Longtab, isLongtabError } from "../src/index.ts";

/** A LongtabError as plain data. */
export interface Failure {
  code: string;
  what: string;
  value: string;
  limit: string;
  remedy: string;
  message: string;
}

export interface Loaded {
  info?: ModelInfo;
  error?: Failure;
  progress: LoadProgress[];
}

export interface Streamed {
  chunks: ChatCompletionChunk[];
  text: string;
  error?: Failure;
  /** From the stop to the end of the iteration. */
  stopMs: number;
}

/** How an answer is stopped, and after how many chunks. */
export interface Stop {
  how: "signal" | "stream" | "loop";
  after: number;
}

/** Longtab in a page of its user's, with plain data in and out, so that a test can call it from outside. */
class LibraryPage {
  readonly Longtab = Longtab;
  model: LoadedModel | undefined;
  lost: Failure | undefined;
  progress: LoadProgress[] = [];
  #abortLoad = new AbortController();

  async load(reference: ModelReference, options: LoadOptions = {}): Promise<Loaded> {
    this.progress = [];
    this.lost = undefined;
    this.#abortLoad = new AbortController();
    const { signal } = this.#abortLoad;
    try {
      this.model = await Longtab.load(reference, { signal, onProgress: (report) => this.progress.push(report), ...options });
      void this.model.lost.then((error) => (this.lost = failureOf(error)));
      return { info: this.model.model, progress: this.progress };
    } catch (error) {
      return { error: failureOf(error), progress: this.progress };
    }
  }

  /** Loads a file of these bytes, as a person chooses one. */
  async loadFile(url: string, name: string, { bytes = Infinity, change = [] as [number, number][] } = {}): Promise<Loaded> {
    const contents = new Uint8Array(await (await fetch(url)).arrayBuffer()).subarray(0, bytes);
    for (const [offset, byte] of change) contents[offset] = byte;
    return this.load(new File([contents], name));
  }

  abortLoad(): void {
    this.#abortLoad.abort();
  }

  async create(params: ChatCompletionParams): Promise<{ completion?: ChatCompletion; error?: Failure }> {
    try {
      return { completion: await this.#loaded().chat.completions.create({ ...params, stream: false }) };
    } catch (error) {
      return { error: failureOf(error) };
    }
  }

  async stream(params: ChatCompletionParams, stop?: Stop): Promise<Streamed> {
    const chunks: ChatCompletionChunk[] = [];
    const abort = new AbortController();
    let stoppedAt = Infinity;
    const ended = (error?: unknown): Streamed => ({
      chunks,
      text: chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""),
      stopMs: performance.now() - stoppedAt,
      ...(error === undefined ? {} : { error: failureOf(error) }),
    });
    try {
      const stream = await this.#loaded().chat.completions.create({ ...params, stream: true, signal: abort.signal });
      for await (const chunk of stream) {
        chunks.push(chunk);
        if (chunks.length !== stop?.after) continue;
        stoppedAt = performance.now();
        if (stop.how === "loop") break;
        if (stop.how === "signal") abort.abort();
        else stream.abort();
      }
      return ended();
    } catch (error) {
      return ended(error);
    }
  }

  async countTokens(messages: ChatCompletionParams["messages"]): Promise<{ tokens?: number; error?: Failure }> {
    try {
      return { tokens: await this.#loaded().countTokens(messages) };
    } catch (error) {
      return { error: failureOf(error) };
    }
  }

  #loaded(): LoadedModel {
    if (this.model === undefined) throw new Error("no model is loaded");
    return this.model;
  }
}

function failureOf(error: unknown): Failure {
  if (!isLongtabError(error)) return { code: "untyped", what: String(error), value: "", limit: "", remedy: "", message: String(error) };
  const { code, what, value = "", limit = "", remedy = "", message } = error;
  return { code, what, value: String(value), limit: String(limit), remedy, message };
}

declare global {
  interface Window {
    library: LibraryPage;
  }
}

window.library = new LibraryPage();
