import { checkPlanned, farFromAt, KvCache, meetsFar, pagesFor, pageTokens, rotationTable, rowsApart } from "@longtab/attention";
import type { CacheMark, Gap, PageUsage, Policy } from "@longtab/attention";
import { layerCache, splitsOf, stepWords } from "@longtab/attention/webgpu";
import type { GpuTable, LayerCache } from "@longtab/attention/webgpu";
import { LongtabError, orAborted, throwIfAborted } from "@longtab/errors";
import type { Step } from "@longtab/gpu";
import { readBuffer, settled } from "@longtab/gpu";
import { maxLogitRows, maxStepTokens, recordForward } from "@longtab/model";
import type { ForwardInput } from "@longtab/model";
import type { PrefillOptions, Sampling, Timeline } from "../backend.ts";
import { chunkSize, measuredRate } from "../prompt-chunks.ts";
import type { PromptChunks } from "../prompt-chunks.ts";
import { recordSample } from "../sampling/index.ts";
import { checkDrawn, checkNotRolledBack, checkRoom, checkScoreRows } from "../step-limits.ts";
import type { WebGpuBackend } from "./backend.ts";
import { fetchBlocks } from "./fetch-blocks.ts";
import { GrowingWords } from "./growing-words.ts";
import { ReadBack } from "./read-back.ts";

/** Short enough that the page stays responsive; below 16 rows the matrix products lose the reuse that makes prefill fast. */
const chunks: PromptChunks = { seconds: 0.1, first: 64, smallest: 16, most: maxStepTokens };
/** Ids that a timeline has room for at first. */
const firstIds = 1024;
/** One sequence on a WebGPU backend. Timelines of one backend share its scratch; the queue keeps their steps apart. */
export class WebGpuTimeline implements Timeline {
  readonly scoreRows = maxLogitRows;
  #backend: WebGpuBackend;
  #cache: KvCache<GpuTable>;
  /** u32 by absolute position, those stored and the token drawn last. It grows with the text; keys and values need not. */
  readonly #ids: GrowingWords;
  #sampled: GPUBuffer;
  /** u32 by page of 16 tokens: how often steps selected its runs, once somebody has asked. */
  #hits: GrowingWords | undefined;
  #readBack: ReadBack;
  /** Tokens of steps that wait for room, and which rollback they came after: a rollback drops them. */
  #waiting = 0;
  #rollbacks = 0;

  /** Takes over `cache`. */
  constructor(backend: WebGpuBackend, cache: KvCache<GpuTable>) {
    const { gpu } = backend;
    this.#backend = backend;
    this.#cache = cache;
    this.#ids = new GrowingWords(gpu, "token ids", Math.max(firstIds, cache.length));
    this.#sampled = gpu.createBuffer("sampled id", 4, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
    this.#readBack = new ReadBack(gpu);
  }

  /** @throws LongtabError `invalid-option` where the backend was not planned for this policy. */
  static create(backend: WebGpuBackend, policy: Policy): WebGpuTimeline {
    const { pool, plan } = backend;
    checkPlanned(pool.shape, plan.policy, policy, plan.contextLength, maxStepTokens);
    return new WebGpuTimeline(backend, new KvCache(pool, policy, plan.contextLength, maxStepTokens));
  }

  get length(): number {
    return this.#cache.length + this.#waiting;
  }

  /** Tokens that it can hold. */
  get #limit(): number {
    const { config, contextLength } = this.#backend.plan;
    return this.#cache.policy.endless ? Infinity : Math.min(contextLength, config.contextLength);
  }

  async prefill(ids: Uint32Array, sampling: Sampling, { signal, onProgress, onLogits }: PrefillOptions = {}): Promise<number> {
    if (ids.length === 0) throw new LongtabError({ code: "empty-prompt", what: "There is no token to read", remedy: "write something" });
    this.#checkRoom(ids.length);
    const apart = rowsApart(this.#cache.policy, this.length + ids.length);
    const rollbacks = this.#rollbacks;
    for (let done = 0; ;) {
      throwIfAborted(signal);
      onProgress?.(done, ids.length);
      this.#backend.throwIfUnusable();
      checkNotRolledBack(rollbacks, this.#rollbacks);
      const chunk = ids.subarray(done, done + chunkSize(chunks, this.#backend.prefillRate, ids.length - done, apart));
      const started = performance.now();
      done += chunk.length;
      if (done === ids.length) {
        const drawn = this.#enqueue(chunk.length, async () => {
          const next = this.#submitStep(chunk.length, "last", chunk, sampling);
          if (onLogits) onLogits(await this.#readLogits(1));
          return next;
        });
        const id = await orAborted(drawn, signal);
        this.#measure(chunk.length, started);
        onProgress?.(done, ids.length);
        return id;
      }
      await orAborted(
        this.#enqueue(chunk.length, () => this.#submitChunk(chunk)),
        signal,
      );
      this.#measure(chunk.length, started);
    }
  }

  async decode(sampling: Sampling): Promise<number> {
    this.#checkRoom(1);
    checkDrawn(this);
    return this.#enqueue(1, () => this.#submitStep(1, "last", undefined, sampling));
  }

  async score(ids: Uint32Array): Promise<Float32Array> {
    checkScoreRows(this, ids.length);
    this.#checkRoom(ids.length);
    return this.#enqueue(ids.length, async () => {
      this.#submit(ids.length, "all", ids);
      return this.#readLogits(ids.length);
    });
  }

  truncate(length: number): void {
    this.#rollbacks++;
    this.#waiting = 0;
    this.#backend.selector.forget(this);
    this.#cache.truncate(length);
  }

  gaps(): (Gap | undefined)[] {
    return this.#cache.gaps();
  }

  async readBlocks(first: number, count: number): Promise<Uint8Array<ArrayBuffer>> {
    const { gpu, pool } = this.#backend;
    const { result } = await this.#backend.recordInTurn(async () => {
      this.#backend.throwIfUnusable();
      const { readBlocks } = await fetchBlocks();
      const blocks = Array.from({ length: count }, (_, index) => this.#cache.pagesAt((first + index) * pageTokens));
      return { result: readBlocks(gpu, pool, blocks) };
    });
    return result;
  }

  async appendBlocks(ids: Uint32Array, blocks: Uint8Array<ArrayBuffer>, gaps: readonly (Gap | undefined)[]): Promise<void> {
    const { gpu, pool } = this.#backend;
    this.#checkRoom(ids.length);
    await this.#backend.recordInTurn(async () => {
      this.#backend.throwIfUnusable();
      const { adoptBlocks } = await fetchBlocks();
      const position = this.#cache.length;
      await adoptBlocks(gpu, pool, this.#cache, ids.length, gaps, blocks);
      this.#ids.grow(this.#cache.length + 1);
      this.#ids.write(ids, position);
    });
  }

  fork(policy = this.#cache.policy): WebGpuTimeline {
    const { pool, plan } = this.#backend;
    this.#backend.throwIfUnusable();
    checkPlanned(pool.shape, plan.policy, policy, plan.contextLength, maxStepTokens);
    this.#backend.selector.forget(this);
    const fork = new WebGpuTimeline(this.#backend, this.#cache.fork(policy));
    fork.#ids.replace(this.#ids);
    return fork;
  }

  mark(): CacheMark {
    this.#backend.selector.forget(this);
    return this.#cache.mark();
  }

  returnTo(mark: CacheMark, ids: Uint32Array): boolean {
    this.#backend.throwIfUnusable();
    this.truncate(this.#cache.length);
    if (!this.#cache.returnTo(mark)) return false;
    this.#ids.grow(ids.length + 1);
    this.#ids.write(ids, 0);
    return true;
  }

  pages(): PageUsage {
    return this.#cache.usage();
  }

  async retrieved(): Promise<Uint32Array> {
    const { gpu } = this.#backend;
    const { result } = await this.#backend.recordInTurn(async () => {
      this.#backend.throwIfUnusable();
      const pages = Math.max(1, pagesFor(this.#cache.length));
      const counted = this.#hits;
      // Another buffer counts from here on: this one is read when the steps before it are done.
      this.#hits = new GrowingWords(gpu, "page hits", pages);
      return { result: counted ? this.#takeHits(counted, pages) : Promise.resolve(new Uint32Array(pages)) };
    });
    return result;
  }

  dispose(): void {
    const { gpu } = this.#backend;
    this.truncate(0);
    this.#cache.dispose();
    this.#readBack.dispose();
    this.#ids.dispose();
    gpu.destroyBuffer(this.#sampled);
    this.#hits?.dispose();
  }

  /** Records what decode, prefill and score record, for pipelines to be made of it. */
  recordExample(step: Step, tokens: number, logitsOf: ForwardInput["logitsOf"], sampling?: Sampling): void {
    const example = { tokens, position: 0, rotations: 1, selected: false, logitsOf, sampling };
    this.#record(step, { ...example, selects: false });
    if (tokens === 1 && this.#cache.policy.selection) this.#record(step, { ...example, selects: true });
  }

  #checkRoom(tokens: number): void {
    this.#backend.throwIfUnusable();
    checkRoom(this, tokens, this.#limit);
  }

  /** Makes room, then records and submits in the order of the calls. */
  async #enqueue<T>(tokens: number, submit: () => Promise<T>): Promise<T> {
    const rollbacks = this.#rollbacks;
    this.#waiting += tokens;
    try {
      const { result } = await this.#backend.recordInTurn(async () => {
        checkNotRolledBack(rollbacks, this.#rollbacks);
        try {
          await this.#reserve(tokens);
          if (meetsFar(this.#cache.policy)) await this.#backend.farTurns.reserve(this.#cache.length + tokens);
          this.#ids.grow(this.#cache.length + tokens + 1);
          this.#hits?.grow(pagesFor(this.#cache.length + tokens));
          checkNotRolledBack(rollbacks, this.#rollbacks);
          this.#backend.throwIfUnusable();
        } finally {
          if (rollbacks === this.#rollbacks) this.#waiting -= tokens;
        }
        // In an object, so that the next step does not wait for this one's result.
        return { result: submit() };
      });
      return await result;
    } catch (error) {
      // Whatever fails because the device is gone or the model disposed fails for that reason.
      this.#backend.throwIfUnusable();
      throw error;
    }
  }

  async #reserve(tokens: number): Promise<void> {
    const { length } = this.#cache;
    try {
      await this.#cache.reserve(tokens);
    } catch (error) {
      // Where what is away could not be read any more nothing is left, and steps that wait have nothing to go on from.
      if (this.#cache.length < length) this.truncate(this.#cache.length);
      throw error;
    }
  }

  async #takeHits(counted: GrowingWords, pages: number): Promise<Uint32Array> {
    const hits = new Uint32Array(pages);
    hits.set(new Uint32Array(await readBuffer(this.#backend.gpu, counted.buffer, 0, Math.min(counted.length, pages) * 4)));
    counted.dispose();
    return hits;
  }

  /** Of the first rows of the step that was submitted last: [rows, vocabulary]. */
  async #readLogits(rows: number): Promise<Float32Array> {
    const { gpu, model, vocabularySize } = this.#backend;
    const { stride } = model.weights.head;
    const logits = new Float32Array(await readBuffer(gpu, model.scratch.logits, 0, rows * stride * 4));
    // Rows that were padded move together, in place and from the first on.
    for (let row = 1; row < rows; row++) logits.copyWithin(row * vocabularySize, row * stride, row * stride + vocabularySize);
    return logits.subarray(0, rows * vocabularySize);
  }

  async #submitStep(tokens: number, logitsOf: "last", ids: Uint32Array | undefined, sampling: Sampling): Promise<number> {
    return this.#readBack.read(this.#sampled, (copy) => this.#submit(tokens, logitsOf, ids, sampling, copy));
  }

  async #submitChunk(ids: Uint32Array): Promise<void> {
    this.#submit(ids.length, "none", ids);
    await settled(this.#backend.gpu);
  }

  #submit(
    tokens: number,
    logitsOf: ForwardInput["logitsOf"],
    ids?: Uint32Array,
    sampling?: Sampling,
    after?: (encoder: GPUCommandEncoder) => void,
  ): void {
    const { gpu, model, recorder } = this.#backend;
    const position = this.#cache.length;
    if (ids) this.#ids.write(ids, position);
    this.#cache.append(tokens);
    const { count: rotations, positions } = this.#cache.rotations(tokens);
    gpu.device.queue.writeBuffer(model.scratch.rotations, 0, rotationTable(model.weights.rotary, positions));
    const { selection } = this.#cache.policy;
    const selects = selection !== undefined && tokens === 1 && position >= selection.from;
    const selected = selects && this.#backend.selector.keeps(this, position, selection.every);
    const looks = selects && !selected && this.#cache.moves ? this.#backend.looks?.take(selection.runs) : undefined;
    const recorded = { tokens, position, rotations, selects, selected, logitsOf, sampling };
    recorder.submit(
      (step) => this.#record(step, recorded),
      (encoder) => {
        looks?.copy(encoder);
        after?.(encoder);
      },
    );
    looks?.tell((found) => this.#cache.looked(found));
  }

  #record(step: Step, { tokens, position, rotations, selects, selected, logitsOf, sampling }: RecordedStep): void {
    const { model, pool, sampler: scratch, vocabularySize } = this.#backend;
    const { attention } = model;
    const { lists, closingCount: closings, policy } = this.#cache;
    const { longest } = lists;
    const { selection } = policy;
    const words = stepWords({
      tokens,
      position,
      rotations,
      splits: splitsOf(attention, { longest, selects }),
      headSize: attention.shape.headSize,
      ...(selection && { runs: selection.runs, farFrom: farFromAt(selection, position) }),
    });
    const uniform = step.uniform(words);
    const { uncounted, unread, looks, farTurns } = this.#backend;
    const shared = { hits: this.#hits?.buffer ?? uncounted, turns: farTurns.buffer };
    const cache = (layer: number): LayerCache =>
      layerCache(pool, this.#cache, { ...shared, looks: looks?.binding(layer) ?? unread }, layer);
    recordForward(step, model, { ids: this.#ids.buffer, cache, tokens, closings, longest, selects, selected, uniform, logitsOf });
    if (sampling)
      recordSample(
        step,
        { logits: model.scratch.logits, tokens: this.#ids.buffer, sampled: this.#sampled, scratch, vocabularySize },
        sampling,
        position + tokens,
      );
  }

  #measure(tokens: number, started: number): void {
    this.#backend.prefillRate = measuredRate(chunks, tokens, started, this.#backend.prefillRate);
  }
}

interface RecordedStep {
  tokens: number;
  /** Of the first row. */
  position: number;
  /** Query rotations that the step carries. */
  rotations: number;
  /** Whether it attends what is selected, and whether an earlier step has done that. */
  selects: boolean;
  selected: boolean;
  logitsOf: ForwardInput["logitsOf"];
  sampling: Sampling | undefined;
}
