import type {
  Availability,
  BackendKind,
  CacheUsage,
  CalibrateOptions,
  CatalogueEntry,
  ChatCompletionChunk,
  ChatCompletionParams,
  ChatMessage,
  ChatStream,
  Completions,
  ContextInfo,
  CpuInfo,
  HeadMap,
  LoadedModel,
  LoadOptions,
  LoadPhase,
  LongtabStatic,
  ModelInfo,
  ModelReference,
  PageUsage,
  Passage,
  StoredModel,
  Usage,
} from "../../../packages/longtab/src/api.ts";
import catalogueJson from "../../../packages/longtab/src/catalogue.json";
import { type ErrorCode, LongtabError } from "../../../packages/errors/src/index.ts";
import type { Scenario } from "./scenario.ts";

export { isLongtabError, LongtabError } from "../../../packages/errors/src/index.ts";

/**
 * Stands in for the library where the page's own states are tested and pictured: states that a real model cannot be brought into at will
 * (a download at 41 per cent, a lost device). It is never part of the page that is built.
 */
const scenario = JSON.parse(new URL(location.href).searchParams.get("scenario") ?? "{}") as Scenario;
const [entry] = catalogueJson as [CatalogueEntry];
const sibling = (id: string, name: string, size: number, parameters: number): CatalogueEntry => ({
  ...entry,
  id,
  name,
  description: "A model that there is only in tests.",
  size,
  parameters,
  file: `${id}.gguf`,
  url: `https://huggingface.co/nobody/nothing/resolve/main/${id}.gguf`,
});
const catalogue: CatalogueEntry[] =
  scenario.catalogue === "families"
    ? [
        entry,
        sibling("smollm2-360m-instruct", "SmolLM2 360M Instruct", 386e6, 361_821_120),
        sibling("qwen-0.5b", "Qwen2.5 0.5B Instruct", 1_200e6, 494_032_768),
        sibling("qwen-7b", "Qwen2.5 7B Instruct", 4_683e6, 7_615_616_512),
      ]
    : [entry];
if (scenario.deviceMemory !== undefined) Object.defineProperty(navigator, "deviceMemory", { value: scenario.deviceMemory });

const PHASES: Record<BackendKind, readonly LoadPhase[]> = {
  webgpu: ["download", "verify", "upload", "shaders"],
  cpu: ["download", "verify", "upload"],
};
const NO_GPU = "Runs on the processor: there is no usable graphics adapter here.";
let persisted = false;
let gpuIsThere = scenario.gpu === undefined || scenario.gpu === "real";
let stored: StoredModel[] =
  scenario.stored === undefined || scenario.stored === "none"
    ? []
    : [
        {
          id: entry.id,
          name: entry.file,
          size: entry.size,
          storedBytes: scenario.stored === "all" ? entry.size : 40_100_000,
          complete: scenario.stored === "all",
          lastUsed: Date.now(),
        },
      ];

const pause = async (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const tokensIn = (text: string): number => Math.ceil(text.length / 4);

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new LongtabError({ code: "aborted", what: "The request was aborted" });
}

async function hold(signal: AbortSignal | undefined): Promise<never> {
  for (;;) {
    throwIfAborted(signal);
    await pause(20);
  }
}

function failure(code: string): LongtabError {
  const texts: Record<string, Pick<LongtabError, "what"> & { remedy?: string; value?: string; limit?: string }> = {
    "quota-exceeded": {
      what: "This model needs 98 MB and the browser grants 61 MB more",
      remedy: "delete a stored model or free space on the disk",
    },
    "context-exceeded": {
      what: "The conversation takes more tokens than the model can read",
      value: "8431",
      limit: "8192",
      remedy: "begin a new chat or delete early messages",
    },
    "webgpu-unavailable": { what: "This browser found no usable graphics adapter", remedy: "update the graphics driver" },
    "device-lost": { what: "The GPU process ended", remedy: "load the model again" },
    "file-not-a-model": { what: "The file does not begin with GGUF", remedy: "choose a file that ends in .gguf" },
    offline: { what: "The hub could not be reached", remedy: "connect to a network and try again" },
  };
  return new LongtabError({ code: code as ErrorCode, ...(texts[code] ?? { what: `A failure with the code ${code}` }) });
}

async function load(reference: ModelReference, options: LoadOptions = {}): Promise<LoadedModel> {
  const size = catalogue.find(({ id }) => id === reference)?.size ?? entry.size;
  const { backend: chosen = "auto" } = options;
  const backend = chosen === "auto" ? (gpuIsThere ? "webgpu" : "cpu") : chosen;
  if (backend === "webgpu" && !gpuIsThere) throw failure("webgpu-unavailable");
  for (const phase of PHASES[backend]) {
    const total = phase === "shaders" ? 24 : size;
    const steps = 20;
    for (
      let step = phase === "download" && stored.some((model) => model.id === reference && model.complete) ? steps : 0;
      step <= steps;
      step++
    ) {
      throwIfAborted(options.signal);
      const loaded = Math.round((total * step) / steps);
      options.onProgress?.({
        phase,
        backend,
        loaded,
        total,
        rate: phase === "shaders" ? 0 : 6.2e6,
        secondsLeft: (total - loaded) / (phase === "shaders" ? 12 : 6.2e6),
      });
      if (scenario.loadError !== undefined && step === 8) throw failure(scenario.loadError);
      if (scenario.holdLoadAt === phase && step === 8) await hold(options.signal);
      await pause(4);
    }
  }
  const id = typeof reference === "string" ? reference : reference.name;
  stored = [...stored.filter((model) => model.id !== id), { id, name: id, size, storedBytes: size, complete: true, lastUsed: Date.now() }];
  const reason = chosen === "auto" ? (backend === "cpu" ? NO_GPU : "Runs on the graphics card.") : undefined;
  if (scenario.gpu === "later") gpuIsThere = true;
  const place = reason ?? `Runs on the ${backend === "cpu" ? "processor" : "graphics card"}, as chosen.`;
  return new DoubleModel(id, backend, place, contextOf(options));
}

/** What the page chooses; a scenario that says how much is kept is about a context that can be full. */
function contextOf({ context = "auto", memoryBudget = Infinity }: Pick<LoadOptions, "context" | "memoryBudget">): ContextInfo {
  const chosen = (typeof context === "string" ? context : context.policy) ?? "auto";
  const policy = scenario.contextLength === undefined ? chosen : "dense";
  const endless = policy !== "dense";
  const wanted = scenario.contextLength ?? (policy === "streaming" ? 2048 : policy === "auto" ? 65_536 : 8192);
  const keeps = Math.min(wanted, Math.floor(memoryBudget / BYTES_PER_TOKEN));
  return {
    policy,
    description: `What “${policy}” does in ${keeps.toLocaleString("en")} tokens.`,
    endless,
    keeps,
    kv: "kv8",
    headMap:
      policy !== "auto"
        ? { source: "unused", reason: "All heads are treated alike." }
        : scenario.headMap === "missing"
          ? { source: "missing", reason: "Which heads need only the beginning and the end is not known for this model." }
          : { source: "shipped", reason: "Which heads need only the beginning and the end is known for this model." },
  };
}

const HEADS = 90;
const BYTES_PER_TOKEN = 9000;

/** Pages as a policy of this kind would have them after so many tokens. */
function pagesOf({ policy, keeps }: ContextInfo, tokens: number): PageUsage {
  const all = HEADS * Math.ceil(tokens / 16);
  if (policy === "dense") return { sink: 0, recent: 0, kept: all, away: 0, far: 0, quantised: 0, forgotten: 0 };
  const held = Math.min(all, HEADS * Math.ceil(keeps / 16));
  const sink = Math.min(held, HEADS);
  const recent = policy === "streaming" ? held - sink : Math.min(held - sink, HEADS * 16);
  // A third of the heads keep the beginning and the end only.
  const kept = Math.round(((held - sink - recent) * 2) / 3);
  const far = Math.max(0, Math.min(kept, Math.round(((all - HEADS * 512) * 2) / 3)));
  return { sink, recent, kept, away: 0, far, quantised: Math.max(0, sink + recent + kept - HEADS), forgotten: all - sink - recent - kept };
}

const TWO_THREADS: CpuInfo = {
  threads: 2,
  simd: "relaxed",
  prefill: { engine: "own", reason: "Prompts are read by Longtab’s own kernels: ONNX Runtime would be no faster here." },
};

class DoubleModel implements LoadedModel {
  readonly model: ModelInfo;
  readonly chat: { completions: Completions };
  readonly lost: Promise<Error>;
  #lose: (error: Error) => void = () => undefined;

  constructor(id: string, backend: BackendKind, backendReason: string, context: ContextInfo) {
    this.model = {
      id,
      name: catalogue.find((known) => known.id === id)?.name ?? id,
      architecture: "llama",
      parameters: 134_515_008,
      quantisation: "Q4_1",
      contextLength: context.endless ? Infinity : context.keeps,
      trainedContextLength: 8192,
      context,
      backend,
      backendReason,
      ...(backend === "cpu" && { cpu: TWO_THREADS }),
      adapter: backend === "cpu" ? "" : "a test",
      softwareAdapter: false,
      sampling: { temperature: 0.7, top_p: 0.95, top_k: 40, min_p: 0, repetition_penalty: 1.1 },
      memory: { weights: 98e6, scratch: 4e6, kv: 0, kvBudget: context.keeps * BYTES_PER_TOKEN, away: { memory: 0, disk: 0 } },
    };
    this.lost = new Promise((resolve) => (this.#lose = resolve));
    const create = async (params: ChatCompletionParams): Promise<ChatStream> => this.#answer(params);
    this.chat = { completions: { create: create as Completions["create"] } };
  }

  async countTokens(messages: { content: string }[]): Promise<number> {
    return messages.reduce((sum, { content }) => sum + tokensIn(content) + 4, 20);
  }

  async dispose(): Promise<void> {
    // Nothing is held.
  }

  #answer(params: ChatCompletionParams): ChatStream {
    const aborter = new AbortController();
    const signal = params.signal === undefined ? aborter.signal : AbortSignal.any([aborter.signal, params.signal]);
    const chunks = this.#chunks(params, signal);
    return { [Symbol.asyncIterator]: () => chunks, abort: () => aborter.abort() };
  }

  async *#chunks(params: ChatCompletionParams, signal: AbortSignal): AsyncGenerator<ChatCompletionChunk, void, undefined> {
    const prompt = await this.countTokens(params.messages);
    if (prompt > this.model.contextLength) throw failure("context-exceeded");
    for (let done = 0; done <= prompt; done += 64) {
      throwIfAborted(signal);
      params.onPrefill?.(Math.min(done, prompt), prompt);
      params.onCache?.(this.#cache(Math.min(done, prompt)));
      if (scenario.holdReading === true && done >= prompt * 0.4) await hold(signal);
      await pause(scenario.readMs ?? 2);
    }
    const all = (scenario.answer ?? DEFAULT_ANSWER).match(/\s*\S+/g) ?? [];
    const told = params.continue_final_message === true ? (params.messages.at(-1)?.content.match(/\S+/g)?.length ?? 0) : 0;
    const words = all.slice(told, scenario.endAfterWords === undefined ? Infinity : told + scenario.endAfterWords);
    const base = { id: "double", object: "chat.completion.chunk", created: 0, model: this.model.id } as const;
    const began = performance.now();
    for (const [index, word] of words.entries()) {
      throwIfAborted(signal);
      yield { ...base, choices: [{ index: 0, delta: { content: word }, finish_reason: null }] };
      if (index === (scenario.holdAfterWords ?? -1)) await hold(signal);
      if (index === 12 && scenario.answerError !== undefined) {
        const error = failure(scenario.answerError);
        if (scenario.answerError === "device-lost") this.#lose(error);
        throw error;
      }
      if (scenario.wordMs !== 0) await pause(scenario.wordMs ?? 12);
    }
    const ended = told + words.length < all.length ? "length" : "stop";
    yield { ...base, choices: [{ index: 0, delta: {}, finish_reason: ended }] };
    const seconds = Math.max((performance.now() - began) / 1000, 0.001);
    yield { ...base, choices: [], usage: this.#usage(params, prompt, words.length, seconds) };
  }

  #cache(tokens: number): CacheUsage {
    const pages = pagesOf(this.model.context, tokens);
    return { tokens, pages, bytes: (pages.sink + pages.recent + pages.kept) * 4096 };
  }

  #usage({ messages }: ChatCompletionParams, prompt: number, answer: number, seconds: number): Usage {
    const { tokens, bytes, pages } = this.#cache(prompt + answer);
    return {
      prompt_tokens: prompt,
      completion_tokens: answer,
      total_tokens: prompt + answer,
      prompt_tokens_details: { cached_tokens: 0 },
      longtab: {
        prefill_seconds: 0.4,
        decode_seconds: seconds,
        prefill_tokens_per_second: prompt / 0.4,
        decode_tokens_per_second: answer / seconds,
        context_tokens: tokens,
        context_length: this.model.contextLength,
        kv_bytes: bytes,
        pages,
        retrieved: (scenario.retrieved ?? []).flatMap((text) => passagesOf(messages, text)),
        forgotten: scenario.forgotten === undefined ? [] : passagesUpTo(messages, scenario.forgotten),
        far: scenario.far === undefined ? [] : passagesUpTo(messages, scenario.far),
      },
    };
  }
}

/** Where a text stands in the messages. */
function passagesOf(messages: readonly ChatMessage[], text: string): Passage[] {
  return messages.flatMap(({ content }, message) => {
    const start = content.indexOf(text);
    return start < 0 ? [] : [{ message, start, end: start + text.length }];
  });
}

/** All before a text. */
function passagesUpTo(messages: readonly ChatMessage[], text: string): Passage[] {
  const [end] = passagesOf(messages, text);
  if (end === undefined) return [];
  const before = messages.slice(0, end.message).map(({ content }, message) => ({ message, start: 0, end: content.length }));
  return end.start === 0 ? before : [...before, { message: end.message, start: 0, end: end.start }];
}

const DEFAULT_ANSWER = "The sky is blue because air scatters blue light more strongly than red light.";

async function calibrate(_model: ModelReference, { onMeasure, signal }: CalibrateOptions = {}): Promise<HeadMap> {
  const total = 20;
  for (const phase of ["heads", "choice", "gates", "check", "sinks"] as const) {
    for (let done = 0; done <= total; done++) {
      throwIfAborted(signal);
      onMeasure?.({ phase, done, total });
      if (scenario.holdMeasure === true && phase === "heads" && done === 8) await hold(signal);
      await pause(2);
    }
  }
  delete scenario.headMap;
  return { version: 1, model: "double", streaming: [] };
}

function availability(): Availability {
  if (scenario.unavailable === true)
    return { state: "unavailable", reason: "This browser has no WebGPU.", remedy: "Use a recent Chrome, Edge, Safari or Firefox." };
  return {
    state: scenario.stored === "all" ? "available" : "downloadable",
    backend: gpuIsThere ? "webgpu" : "cpu",
    backendReason: gpuIsThere ? "Runs on the graphics card." : NO_GPU,
    adapter: gpuIsThere ? "a test" : "",
    software: false,
  };
}

export const Longtab: LongtabStatic = {
  load,
  catalogue,
  availability: async () => availability(),
  models: {
    list: async () => stored,
    delete: async (id) => {
      stored = stored.filter((model) => model.id !== id);
    },
    plan: async (_model, options = {}) => {
      const { keeps, endless } = contextOf(options);
      return { keeps, endless, bytes: keeps * BYTES_PER_TOKEN };
    },
    calibrate,
    estimate: async () => ({
      usage: stored.reduce((sum, model) => sum + model.storedBytes, 0) + 1.2e6,
      quota: scenario.quota ?? 2.1e9,
      persisted,
    }),
    persist: async () => (persisted = scenario.refusesToPersist !== true),
  },
  sessions: { delete: async () => undefined },
};
