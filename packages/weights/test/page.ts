import { isLongtabError } from "@longtab/errors";
import { type WeightStoreOptions, WeightStore, type StoredSource, type WeightsProgress, type WeightsRequest, parseModelReference } from "../src/index.ts";

/** What came of a load, as plain data. */
export interface Outcome {
  error?: { code: string; message: string };
  id?: string;
  size?: number;
  sha256?: string | undefined;
  progress: WeightsProgress[];
}

/** The page that the browser tests drive: packages/weights as an app meets it. */
export class WeightsPage {
  readonly WeightStore = WeightStore;
  readonly parseModelReference = parseModelReference;
  readonly #loads = new Map<string, { abort: AbortController; outcome: Promise<Outcome>; progress: WeightsProgress[] }>();
  #source: StoredSource | undefined;

  /** Begins a load under a name; `outcome` waits for it. */
  begin(name: string, options: WeightStoreOptions, what: WeightsRequest | File): void {
    const abort = new AbortController();
    const progress: WeightsProgress[] = [];
    const load = async (): Promise<Outcome> => {
      try {
        const store = await WeightStore.open(options);
        const callbacks = { signal: abort.signal, onProgress: (report: WeightsProgress) => progress.push(report) };
        this.#source = await (what instanceof File ? store.importFile(what, callbacks) : store.fetch(what, callbacks));
        return { id: this.#source.id, size: this.#source.size, sha256: this.#source.sha256, progress };
      } catch (error) {
        return { error: describeError(error), progress };
      }
    };
    this.#loads.set(name, { abort, progress, outcome: load() });
  }

  async outcome(name: string): Promise<Outcome> {
    return (await this.#loads.get(name)?.outcome) ?? { progress: [] };
  }

  abort(name: string): void {
    this.#loads.get(name)?.abort.abort();
  }

  progress(name: string): WeightsProgress[] {
    return this.#loads.get(name)?.progress ?? [];
  }

  async load(options: WeightStoreOptions, what: WeightsRequest | File): Promise<Outcome> {
    this.begin("load", options, what);
    return this.outcome("load");
  }

  /** SHA-256 of everything that the loaded or opened model's `read` gives, in reads of `step` bytes. */
  async digest(step: number): Promise<{ sha256?: string; error?: { code: string; message: string } }> {
    try {
      const source = this.#opened();
      const all = new Uint8Array(source.size);
      for (let offset = 0; offset < source.size; offset += step) all.set(await source.read(offset, Math.min(step, source.size - offset)), offset);
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
      return { sha256: Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") };
    } catch (error) {
      return { error: describeError(error) };
    }
  }

  async open(options: WeightStoreOptions, id: string): Promise<Outcome> {
    try {
      this.#source = await (await WeightStore.open(options)).openStored(id);
      return { id: this.#source.id, size: this.#source.size, sha256: this.#source.sha256, progress: [] };
    } catch (error) {
      return { error: describeError(error), progress: [] };
    }
  }

  async read(offset: number, length: number): Promise<number[] | { code: string; message: string }> {
    try {
      return [...(await this.#opened().read(offset, length))];
    } catch (error) {
      return describeError(error);
    }
  }

  /** Reads the model in order and forgets it; `between` runs after every read. Milliseconds of the reads alone. */
  async stream(step: number, between: () => Promise<unknown>): Promise<number> {
    const source = this.#opened();
    let milliseconds = 0;
    for (let offset = 0; offset < source.size; offset += step) {
      const begun = performance.now();
      await source.read(offset, Math.min(step, source.size - offset));
      milliseconds += performance.now() - begun;
      await between();
    }
    return milliseconds;
  }

  #opened(): StoredSource {
    if (this.#source === undefined) throw new Error("no model is loaded");
    return this.#source;
  }
}

function describeError(error: unknown): { code: string; message: string } {
  return isLongtabError(error) ? { code: error.code, message: error.message } : { code: "untyped", message: String(error) };
}

declare global {
  interface Window {
    weights: WeightsPage;
  }
}

window.weights = new WeightsPage();
