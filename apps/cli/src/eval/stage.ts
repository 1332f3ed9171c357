import { createPolicy } from "@longtab/attention";
import type { ContextOptions, HeadMap, Policy } from "@longtab/attention";
import type { Backend } from "@longtab/engine";
import { readConfig } from "@longtab/model";
import { Tokenizer } from "@longtab/tokenizer";
import { openModel } from "../model.ts";
import type { OpenedModel, PlaceArguments } from "../model.ts";

/**
 * One model, loaded as often as its pages have to be stored in different ways: by precision, by the length of selected runs, and by how much is kept.
 * Policies that store alike share a load, and with it what has been read.
 */
export class Stage {
  readonly tokenizer: Tokenizer;
  readonly trained: number;
  readonly kind: Backend["kind"];
  readonly headMap: HeadMap | undefined;
  readonly #path: string;
  readonly #place: PlaceArguments;
  readonly #loads: Map<string, Backend>;

  private constructor(path: string, place: PlaceArguments, { file, backend, context }: OpenedModel) {
    this.#path = path;
    this.#place = place;
    this.tokenizer = Tokenizer.fromMetadata(file.metadata);
    this.trained = readConfig(file).contextLength;
    this.kind = backend.kind;
    this.headMap = context.headMap;
    this.#loads = new Map([[loadKey({}), backend]]);
  }

  /** @param options of the command line; what they say of context, but for the head map, is not what loads are planned for. */
  static async open(path: string, options: PlaceArguments): Promise<Stage> {
    const { backend, threads, prefill, "head-map": headMap } = options;
    const place = { backend, threads, prefill, "head-map": headMap };
    return new Stage(path, place, await openModel(path, place, loadOptions({})));
  }

  /** The load that a policy runs on; `tokens` are what it has to keep where it reaches past the trained window. */
  async backend(context: ContextOptions, tokens = 0): Promise<Backend> {
    const keeps = this.#keeps(context, tokens);
    const key = loadKey(context, keeps);
    const known = this.#loads.get(key);
    if (known) return known;
    const place = keeps === undefined ? this.#place : { ...this.#place, "context-length": keeps };
    const { backend } = await openModel(this.#path, place, loadOptions(context));
    this.#loads.set(key, backend);
    return backend;
  }

  policy(context: ContextOptions, tokens = 0): Policy {
    return createPolicy(
      { ...context, headMap: this.headMap },
      { trained: this.trained, keeps: this.#keeps(context, tokens) ?? this.trained },
    );
  }

  /** Only far memory keeps more than the trained window. */
  #keeps({ policy }: ContextOptions, tokens: number): number | undefined {
    return policy === "far" && tokens > this.trained ? tokens : undefined;
  }

  /** Loads that policies share are told apart by this. */
  sameLoad(a: ContextOptions, b: ContextOptions): boolean {
    return loadKey(a) === loadKey(b);
  }

  dispose(): void {
    for (const backend of this.#loads.values()) backend.dispose();
  }
}

/** More than any cell's. */
const largestBudget = 4096;

/** What a load has to be planned for. Pages get the boxes of quest everywhere, so that every policy can run. */
function loadOptions({ policy, kv, runTokens }: ContextOptions): ContextOptions {
  return { policy: policy === "far" ? "far" : "quest", kv: kv ?? "f16", runTokens, budget: largestBudget };
}

function loadKey(context: ContextOptions, tokens?: number): string {
  const { policy, kv, runTokens } = loadOptions(context);
  return JSON.stringify([policy, kv, runTokens ?? 4, tokens]);
}
