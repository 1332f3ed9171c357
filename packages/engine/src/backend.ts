import type { CacheMark, Gap, KvPrecision, PageUsage, Policy } from "@longtab/attention";

/**
 * The one interface between the engine and whatever computes: WebGPU or the CPU.
 * A backend is a loaded model; a timeline is the KV cache of one sequence of tokens in it.
 */
export interface Backend {
  readonly kind: "webgpu" | "cpu";
  readonly vocabularySize: number;
  /** Tokens that one timeline can hold; Infinity where the policy goes on without end. */
  readonly contextLength: number;
  /** What attention reads and what is kept, of timelines that are not given another policy. */
  readonly policy: Policy;
  readonly kvPrecision: KvPrecision;
  memory(): BackendMemory;
  /** @throws LongtabError `invalid-option` where the load was not planned for `policy`, `out-of-memory`. */
  createTimeline(policy?: Policy): Timeline;
  readonly cacheForm: CacheForm;
  /**
   * Decode steps to have under way while the reader is given a token, where a step takes `secondsPerStep`: as many as keep the device busy
   * meanwhile, and no more, because steps that a stop makes useless still have to run. 0 where a step runs on the reader's own thread.
   */
  stepsAhead(secondsPerStep: number): number;
  /** Resolves once, when the device is gone; every pending and later call then rejects with `device-lost`. */
  readonly lost: Promise<Error>;
  dispose(): void;
}

/** Bytes on the device. */
export interface BackendMemory {
  weights: number;
  scratch: number;
  /** Pages allocated now, and the most that they may grow to. */
  kv: number;
  kvBudget: number;
  /** Bytes of pages that are away from there: in other memory, and on a disk. */
  away: { memory: number; disk: number };
}

/** What the bytes of a timeline's keys and values are; a timeline takes back those of the same form only. */
export interface CacheForm {
  /** How the numbers of pages are stored, in words. */
  precision: string;
  layers: number;
  kvHeads: number;
  headSize: number;
  /** Tokens of a page, and of a block: the pages of every layer and KV head for the same tokens. */
  blockTokens: number;
  /** Of one page: of an open one, and of a closed one by layer; complete pages are closed unless their bytes are 0. */
  pageBytes: { readonly open: number; readonly closed: readonly number[] };
}

/** How the next token is drawn from the logits. All fields are set; the engine fills in defaults. */
export interface Sampling {
  /** 0 is greedy. */
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repetitionPenalty: number;
  /** Tokens back that the repetition penalty looks at. */
  penaltyWindow: number;
  /** 32 bits. A token depends on the seed and its position only. */
  seed: number;
}

export interface PrefillOptions {
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
  /** Called with what the next token is drawn from: [vocabulary], until the call returns. */
  onLogits?: (logits: Float32Array) => void;
}

/**
 * One sequence. `prefill` and `decode` append tokens' keys and values and then draw the next token; the drawn token is not
 * part of the sequence until the next `decode` runs it.
 */
export interface Timeline {
  /** Tokens whose keys and values are stored, those of steps still in flight or waiting included. */
  readonly length: number;
  /** Appends `ids` (at least one) in chunks and draws the next token. On abort `length` says how far it came. */
  prefill(ids: Uint32Array, sampling: Sampling, options?: PrefillOptions): Promise<number>;
  /**
   * Appends the token that the last call drew and draws the next one. Submits at once and may be called again before the
   * promise resolves: the token travels on the device. Promises resolve in order.
   * @throws LongtabError `empty-prompt` where nothing is held; `storage-damaged` where what had moved away cannot be read: then nothing is.
   */
  decode(sampling: Sampling): Promise<number>;
  /** Appends `ids` (at most `scoreRows`) and returns the logits after each: [ids.length, vocabulary]. */
  score(ids: Uint32Array): Promise<Float32Array>;
  readonly scoreRows: number;
  /**
   * Forgets every token from `length` on and every step that still waits to be submitted; steps in flight beyond `length` are ignored.
   * Where the tokens before it were given back or cannot be written again, more is forgotten: `this.length` says what is left.
   */
  truncate(length: number): void;
  /**
   * Another timeline with the same tokens. They share their pages: a page is copied when one of the two writes to it. A prompt that is being
   * read may be dropped.
   * @throws LongtabError `invalid-option` where `policy` needs tokens that were given back, `out-of-memory`.
   */
  fork(policy?: Policy): Timeline;
  /**
   * The place after the last token, to return to; no step may be under way. It shares the pages and goes where they are needed elsewhere:
   * then its length is 0.
   */
  mark(): CacheMark;
  /** Goes to a mark of a timeline of the same backend, before which `ids` came. False, and nothing changes, where what it held is gone. */
  returnTo(mark: CacheMark, ids: Uint32Array): boolean;
  /** What its pages are, now. */
  pages(): PageUsage;
  /**
   * How many runs of each page of 16 tokens decode steps have selected since the last call, over all layers and heads; counting begins with
   * the first call.
   */
  retrieved(): Promise<Uint32Array>;
  /** What each head gave back: [layers x kvHeads]; of no block behind `length`. */
  gaps(): (Gap | undefined)[];
  /**
   * The keys and values of `count` blocks from block `first` on: of each block the pages of every layer and KV head that keeps one, in that
   * order. Complete pages are in the form that they are kept in; places beyond `length` hold anything.
   */
  readBlocks(first: number, count: number): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Appends `ids` whose keys and values these blocks hold, where `length` is whole blocks, of a timeline that has these gaps in the end. No
   * token is drawn: `prefill` or `score` comes next, when all of it is there.
   */
  appendBlocks(ids: Uint32Array, blocks: Uint8Array<ArrayBuffer>, gaps: readonly (Gap | undefined)[]): Promise<void>;
  dispose(): void;
}
