// The page that the bench loads to measure wllama: its own package, as it is published, and a clock.

/** As much of @wllama/wllama's interface as is used here; the package is not part of the workspace. */
interface WllamaModule {
  Wllama: new (
    paths: { default: string },
    config: { suppressNativeLog: boolean; logger: Record<"debug" | "log" | "warn" | "error", Log> },
  ) => Wllama;
}
interface Wllama {
  loadModelFromUrl(url: string, options: WllamaOptions): Promise<void>;
  createCompletion(options: {
    prompt: string;
    max_tokens: number;
    temperature: number;
    ignore_eos: boolean;
  }): Promise<{ timings?: Timings }>;
  getNumThreads(): number;
  exit(): Promise<void>;
}
/** llama.cpp's own clock; milliseconds. */
interface Timings {
  prompt_n: number;
  prompt_ms: number;
  predicted_n: number;
  predicted_ms: number;
}

export interface WllamaOptions {
  n_ctx: number;
  n_gpu_layers: number;
  n_threads?: number;
  n_batch?: number;
  n_ubatch?: number;
}

export interface CompletionFigures {
  promptTokens: number;
  prefillSeconds: number;
  completionTokens: number;
  decodeSeconds: number;
}

type Log = (...words: unknown[]) => void;

let loaded: Wllama | undefined;

/** The last that the native code printed: an abort of it says no more than that it is one. */
const lastLines: string[] = [];
const linesKept = 5;

function keep(...words: unknown[]): void {
  lastLines.push(words.map(String).join(" ").trim());
  if (lastLines.length > linesKept) lastLines.shift();
}

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}; the last it printed: ${lastLines.join(" | ")}`, {
      cause: error,
    });
  }
}

const harness = {
  /** Loads a model from a URL, or from the cache that wllama keeps in this profile. `base` is where the package's `esm` folder is served. */
  async load(base: string, url: string, options: WllamaOptions): Promise<{ seconds: number; threads: number }> {
    const { Wllama } = (await import(/* @vite-ignore */ `${base}index.js`)) as WllamaModule;
    const logger = { debug: keep, log: keep, warn: keep, error: keep };
    const started = performance.now();
    loaded = new Wllama({ default: `${base}wasm/wllama.wasm` }, { suppressNativeLog: false, logger });
    await explained(loaded.loadModelFromUrl(url, options));
    return { seconds: (performance.now() - started) / 1000, threads: loaded.getNumThreads() };
  },

  /** Continues a text greedily. */
  async complete(prompt: string, tokens: number): Promise<CompletionFigures> {
    // The first token comes with the prefill.
    if (loaded === undefined) throw new Error("There is no model yet.");
    const { timings } = await explained(loaded.createCompletion({ prompt, max_tokens: tokens + 1, temperature: 0, ignore_eos: true }));
    if (timings === undefined) throw new Error("wllama gave no timings.");
    return {
      promptTokens: timings.prompt_n,
      prefillSeconds: timings.prompt_ms / 1000,
      completionTokens: timings.predicted_n,
      decodeSeconds: timings.predicted_ms / 1000,
    };
  },

  async exit(): Promise<void> {
    await loaded?.exit();
  },
};

declare global {
  interface Window {
    wllamaHarness: typeof harness;
  }
}

window.wllamaHarness = harness;
