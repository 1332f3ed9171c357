/**
 * The public API in one place: what `Longtab.load` takes and gives. Shapes of `chat.completions` are OpenAI's.
 * The worker's interface (protocol.ts) is derived from these types.
 */

import type { ContextOptions, HeadMap, KvPrecision, PageUsage, PolicyName } from "@longtab/attention";
import type { CalibrationProgress } from "@longtab/calibration";

export type { CalibrationProgress, ContextOptions, HeadMap, KvPrecision, PageUsage, PolicyName };

/** A catalogue id ("smollm2-135m-instruct"), a hub id ("hf:owner/repo/file.gguf", optionally "@revision" after the repo), a URL, or a File. */
export type ModelReference = string | File;

export interface LoadOptions {
  /** Called a few times a second while loading, and not once that is done. */
  onProgress?: (progress: LoadProgress) => void;
  signal?: AbortSignal;
  /** Most tokens of context to keep; the default is the trained window, more where memory reaches further, or less where the device's memory says so. */
  contextLength?: number;
  /**
   * What memory does as a conversation grows. "auto", the default, keeps everything and reads what matters; "streaming" keeps the beginning and the
   * end; "dense" reads everything and ends with the trained window.
   */
  context?: PolicyName | ContextOptions;
  /** Most bytes that keys and values may take; the default is what `contextLength` needs. */
  memoryBudget?: number;
  /**
   * Whether what "auto" and "far" keep may move, where memory has no room for it, to memory of the worker's and to IndexedDB. Default true; with false
   * it is forgotten, and nothing of it is written to the disk.
   */
  away?: boolean;
  /** Where the page serves the catalogue's models itself: "<modelBase>/<file>" is tried before the hub. */
  modelBase?: string | URL;
  /**
   * Where to run. "auto", the default, takes the graphics card where there is one that works, computes correctly, can hold the model and is
   * the faster of the two, and else the processor. The other two are meant: what cannot be had is an error.
   */
  backend?: BackendChoice;
  /** What multiplies the many rows of a prompt on the processor. Default "auto": what is faster, which `ModelInfo.cpu` names with the reason. */
  prefill?: PrefillChoice;
}

export type BackendKind = "webgpu" | "cpu";
export type PrefillChoice = "auto" | "own" | "onnxruntime";

export type BackendChoice = "auto" | BackendKind;

export type LoadPhase = "download" | "verify" | "upload" | "shaders";

export interface LoadProgress {
  phase: LoadPhase;
  /** For where the model is being made ready. It changes, and the phases begin again, where a graphics card turns out not to do. */
  backend: BackendKind;
  /** Done so far: bytes, or pipelines in the phase "shaders". */
  loaded: number;
  total: number;
  /** Bytes a second, smoothed; 0 until known. */
  rate: number;
  /** Until this phase ends; undefined until known. */
  secondsLeft?: number;
}

/** A model that the catalogue knows. */
export interface CatalogueEntry {
  id: string;
  name: string;
  description: string;
  license: string;
  parameters: number;
  /** Bytes to download. */
  size: number;
  quantisation: string;
  contextLength: number;
  /** By these memory is planned: what the file calls itself, and the shape of its cache. */
  nameInFile: string;
  shape: { layers: number; heads: number; kvHeads: number; headSize: number };
  file: string;
  url: string;
  sha256: string;
  /** What the model's authors recommend; used where a request leaves an option out. */
  sampling?: Omit<SamplingOptions, "seed">;
}

/** A model whose bytes are in IndexedDB, wholly or in part. */
export interface StoredModel {
  /** Pass it to `Longtab.load` or `Longtab.models.delete`. */
  id: string;
  name: string;
  size: number;
  storedBytes: number;
  complete: boolean;
  /** Milliseconds since 1970. */
  lastUsed: number;
}

export type Availability =
  | {
      state: "available" | "downloadable";
      /** Where "auto" would begin to load; what only a load can find out (too small, too slow) may still change it. */
      backend: BackendKind;
      /** One plain line for people: "Runs on the processor: there is no usable graphics adapter here." */
      backendReason: string;
      /** The graphics adapter's name; empty where there is none. */
      adapter: string;
      software: boolean;
    }
  /** `reason` is a plain sentence, `remedy` another. */
  | { state: "unavailable"; reason: string; remedy: string };

export interface StorageEstimate {
  usage: number;
  quota: number;
  persisted: boolean;
}

export interface ModelInfo {
  id: string;
  name: string;
  architecture: string;
  parameters: number;
  quantisation: string;
  /** Tokens that a conversation can have; Infinity where it never ends. */
  contextLength: number;
  /** Tokens of context that the model was trained for. */
  trainedContextLength: number;
  context: ContextInfo;
  backend: BackendKind;
  /** One plain line for people: "Runs on the processor: there is no usable graphics adapter here." */
  backendReason: string;
  /** Only of the processor: how many threads compute, with which instructions, and what reads prompts. */
  cpu?: CpuInfo;
  /** The graphics adapter's name; empty on the processor. */
  adapter: string;
  /** True when the model runs on a graphics adapter that a CPU plays (SwiftShader, lavapipe): correct, and slow. */
  softwareAdapter: boolean;
  /** What a request that leaves an option out gets. */
  sampling: Required<Omit<SamplingOptions, "seed">>;
  memory: { weights: number; scratch: number; kv: number; kvBudget: number; away: { memory: number; disk: number } };
}

/** What memory does with this load. */
export interface ContextInfo {
  policy: PolicyName;
  /** One plain line for people: "Keeps everything, and reads what matters for each word." */
  description: string;
  /** Whether a conversation can go on for ever. */
  endless: boolean;
  /** Tokens that are kept at most; what was read before them is forgotten where the conversation goes on. */
  keeps: number;
  /** "mixed" only where a head map says what each layer needs: without one it comes to "kv8". */
  kv: KvPrecision;
  /** Which heads need only the beginning and the end. "unused" where the policy treats all alike. */
  headMap: { source: "shipped" | "calibrated" | "given" | "missing" | "unused"; /** One plain line for people. */ reason: string };
}

export interface CpuInfo {
  threads: number;
  /** Where there is only one although there are more cores: how to get more. */
  threadsNote?: string;
  simd: "relaxed" | "plain";
  prefill: { engine: "own" | "onnxruntime"; /** One plain line for people: what reads prompts, and why. */ reason: string };
}

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

/** Defaults are the model's own where the catalogue knows them (`ModelInfo.sampling`), else those named here. */
export interface SamplingOptions {
  /** 0 is greedy. Default 0.7. */
  temperature?: number;
  /** Keep the smallest set of tokens with this much probability; 1 keeps all. Default 0.95. */
  top_p?: number;
  /** Keep the k most probable tokens; 0 keeps all. Default 40. */
  top_k?: number;
  /** Drop tokens below this share of the most probable one's probability. Default 0. */
  min_p?: number;
  /** Divide positive logits of tokens already seen by this, multiply negative ones. Default 1, which is off. */
  repetition_penalty?: number;
  /**
   * Same seed, same model, same prompt and same device: same text. On a graphics card, whose speed decides how a prompt is cut, for sure only with
   * `kv: "f16"`: what a token sees of others in 8 bits depends on the cut.
   */
  seed?: number;
}

export interface ChatCompletionParams extends SamplingOptions {
  messages: ChatMessage[];
  stream?: boolean;
  signal?: AbortSignal;
  /** Default: until the model stops or the context is full; where it is never full, as many tokens as the model was trained for. */
  max_tokens?: number;
  max_completion_tokens?: number;
  /** Up to 16 strings; text from the first match on is not returned. */
  stop?: string | string[];
  stream_options?: { include_usage?: boolean };
  /** Go on with the last message, which is an answer so far, instead of beginning one. Only what is new is returned. Default false. */
  continue_final_message?: boolean;
  /**
   * A name for this conversation, by which the browser keeps what the model has read of it: after a reload, or when it is gone back to, an answer
   * begins without reading it again (`usage.prompt_tokens_details.cached_tokens` shows it). The newest few are kept, as far as there is room.
   */
  session?: string;
  /** Called while the prompt is read. */
  onPrefill?: (done: number, total: number) => void;
  /** Called a few times a second while the request runs. */
  onCache?: (cache: CacheUsage) => void;
}

/** What a model would remember, known before it is loaded. */
export interface ContextPlan {
  /** Tokens that are kept at most. */
  keeps: number;
  /** That they take at most. */
  bytes: number;
  endless: boolean;
}

/** The keys and values of a conversation. */
export interface CacheUsage {
  /** Tokens that were read. */
  tokens: number;
  /** On the device. */
  bytes: number;
  /** A page holds 16 tokens of one of the model's heads. */
  pages: PageUsage;
}

/** Part of a request's messages. */
export interface Passage {
  /** Index of the message. */
  message: number;
  /** Characters of its content. */
  start: number;
  end: number;
}

export type FinishReason = "stop" | "length";

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number };
  /** Longtab's additions: seconds and speeds of this request, and the fill of the context after it. */
  longtab: {
    prefill_seconds: number;
    decode_seconds: number;
    prefill_tokens_per_second: number;
    decode_tokens_per_second: number;
    context_tokens: number;
    context_length: number;
    kv_bytes: number;
    /** What the keys and values held after the request are. */
    pages: PageUsage;
    /** Passages that the heads which look things up read for the answer more than others, in order. Empty where nothing was selected. */
    retrieved: Passage[];
    /** What the model could no longer see at the end of the answer, in order: forgotten. */
    forgotten: Passage[];
    /** What lay further back than the model was trained to read, in order: kept, and looked up where it matters. */
    far: Passage[];
  };
}

export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  created: number;
  model: string;
  choices: [{ index: 0; message: { role: "assistant"; content: string }; finish_reason: FinishReason }];
  usage: Usage;
}

export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  /** Longtab's addition, in chunks with content: the tokens that the content took. A chunk holds several where they come fast. */
  longtab?: { tokens: number };
  /** Empty in the last chunk when `stream_options.include_usage` asked for usage. */
  choices: { index: 0; delta: { role?: "assistant"; content?: string }; finish_reason: FinishReason | null }[];
  usage?: Usage | null;
}

/** Async iterable of chunks; leaving the loop early aborts the generation. */
export type ChatStream = AsyncIterable<ChatCompletionChunk> & { abort(): void };

export interface Completions {
  create(params: ChatCompletionParams & { stream: true }): Promise<ChatStream>;
  create(params: ChatCompletionParams & { stream?: false }): Promise<ChatCompletion>;
}

/** A loaded model in its worker. `Longtab.load` makes one; `dispose` frees its memory and ends the worker. */
export interface LoadedModel {
  readonly model: ModelInfo;
  readonly chat: { completions: Completions };
  /** Tokens that these messages take with the model's chat template, the opening of the answer included. */
  countTokens(messages: ChatMessage[]): Promise<number>;
  /** Resolves with the error when the device is lost; the model must then be loaded again (nothing stored is lost). */
  readonly lost: Promise<Error>;
  dispose(): Promise<void>;
}

export interface CalibrateOptions extends Pick<LoadOptions, "onProgress" | "signal" | "modelBase" | "backend"> {
  /** Called while the loaded model is measured, and not once that is done. */
  onMeasure?: (progress: CalibrationProgress) => void;
}

/** The static side: `Longtab.load(...)`, `Longtab.models`, ... */
export interface LongtabStatic {
  load(model: ModelReference, options?: LoadOptions): Promise<LoadedModel>;
  /** Can a model run here, and are its weights already stored? Never downloads. */
  availability(model?: ModelReference): Promise<Availability>;
  readonly catalogue: readonly CatalogueEntry[];
  readonly models: {
    list(): Promise<StoredModel[]>;
    delete(id: string): Promise<void>;
    /**
     * What memory buys, for a model of the catalogue or a stored one.
     * @throws LongtabError `model-not-found` where nothing is known of it yet, `invalid-option`.
     */
    plan(model: string, options?: Pick<LoadOptions, "context" | "memoryBudget">): Promise<ContextPlan>;
    /**
     * Measures which of a model's heads need only the beginning and the end of a text, which takes minutes, and keeps the result in this browser: loads
     * that come use it. Nothing is kept when it is aborted.
     */
    calibrate(model: ModelReference, options?: CalibrateOptions): Promise<HeadMap>;
    estimate(): Promise<StorageEstimate>;
    /** Ask the browser not to evict stored models; call it on a user's gesture. */
    persist(): Promise<boolean>;
  };
  readonly sessions: {
    /** Deletes what was kept of a conversation, by the name that its requests had. */
    delete(name: string): Promise<void>;
  };
}
