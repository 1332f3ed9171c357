import { checkPlanned, KvCache, pageTokens, rotationTable, rowsApart } from "@longtab/attention";
import type { CacheMark, Gap, PageUsage, Policy } from "@longtab/attention";
import { checkDrawn, checkNotRolledBack, checkRoom, checkScoreRows } from "@longtab/engine";
import type { PrefillOptions, Sampling, Timeline } from "@longtab/engine";
import { mostDrafts } from "@longtab/engine/drafts";
import { Drawer } from "@longtab/engine/drawer";
import { LongtabError, orAborted, throwIfAborted } from "@longtab/errors";
import type { CpuBackend } from "./backend.ts";
import { finish, forward } from "./forward.ts";
import type { ForwardInput } from "./forward.ts";
import { layerPointers, PageHits, selectsBy } from "./kv/index.ts";
import type { CpuTable } from "./kv/index.ts";
import { KnownIds } from "./known-ids.ts";
import { nextTask } from "./next-task.ts";
import { promptRows } from "./prompt-rows.ts";
import { adoptPages, readPages } from "./saved-pages.ts";
import { sameSampling } from "./same-sampling.ts";
import { maxLogitRows, maxStepTokens } from "./scratch.ts";

/** While a chunk is read the event loop has its turn this often, so that an abort is heard. */
const pauseMilliseconds = 30;

/** One sequence on the CPU. Timelines of one backend share its scratch; turns keep their steps apart. */
export class CpuTimeline implements Timeline {
  readonly scoreRows = maxLogitRows;
  readonly #backend: CpuBackend;
  readonly #cache: KvCache<CpuTable>;
  readonly #ids = new KnownIds();
  readonly #drawer: Drawer;
  /** Tokens stored for the caller. The cache holds more where drafts were right. */
  #length = 0;
  /** Counts what is selected, once somebody has asked. */
  #hits: PageHits | undefined;
  /** Tokens of the chunk of a prompt that is under way. */
  #reading = 0;
  /** Tokens that were drawn ahead because drafts were right: the cache holds the keys and values of all but the last. */
  #ahead: { ids: number[]; sampling: Sampling } | undefined;
  /** Drafts that the step whose turn it is has room for. */
  #draftRoom = 0;
  /** Tokens of steps that wait for their turn, and which rollback they came after: a rollback drops them. */
  #waiting = 0;
  #rollbacks = 0;

  /** Takes over `cache`. */
  constructor(backend: CpuBackend, cache: KvCache<CpuTable>) {
    this.#backend = backend;
    this.#cache = cache;
    this.#drawer = new Drawer(backend.vocabularySize);
  }

  /** @throws LongtabError `out-of-memory`, `invalid-option` where the backend was not planned for this policy. */
  static create(backend: CpuBackend, policy: Policy): CpuTimeline {
    const { pool, plan } = backend;
    checkPlanned(pool.shape, plan.policy, policy, plan.contextLength, maxStepTokens);
    return new CpuTimeline(backend, new KvCache(pool, policy, plan.contextLength, maxStepTokens));
  }

  /** Tokens that it can hold. */
  get #limit(): number {
    return this.#cache.policy.endless ? Infinity : Math.min(this.#backend.plan.contextLength, this.#backend.model.config.contextLength);
  }

  get length(): number {
    return this.#length + this.#reading + this.#waiting;
  }

  async prefill(ids: Uint32Array, sampling: Sampling, { signal, onProgress, onLogits }: PrefillOptions = {}): Promise<number> {
    if (ids.length === 0) throw new LongtabError({ code: "empty-prompt", what: "There is no token to read", remedy: "write something" });
    this.#checkRoom(ids.length);
    const apart = rowsApart(this.#cache.policy, this.length + ids.length);
    const rollbacks = this.#rollbacks;
    for (let done = 0; ;) {
      throwIfAborted(signal);
      onProgress?.(done, ids.length);
      this.#throwIfDropped(rollbacks);
      const chunk = ids.subarray(done, done + promptRows(this.length, ids.length - done, apart, this.#backend.promptRows));
      done += chunk.length;
      const last = done === ids.length;
      const read = this.#enqueue(chunk.length, async () => {
        await this.#read(chunk, last ? "last" : "none");
        if (last) onLogits?.(this.#logits(0));
        return last ? this.#draw(0, sampling) : 0;
      });
      const id = await orAborted(read, signal).catch((error: unknown) => {
        // What is under way ends at its next pause, as after a rollback, and what failed leaves nothing.
        if (rollbacks === this.#rollbacks) this.truncate(this.#length);
        throw error;
      });
      if (!last) continue;
      onProgress?.(done, ids.length);
      return id;
    }
  }

  async decode(sampling: Sampling): Promise<number> {
    this.#checkRoom(1);
    checkDrawn(this);
    return this.#enqueue(1, () => this.#takeAhead(sampling) ?? this.#step(sampling));
  }

  async score(ids: Uint32Array): Promise<Float32Array> {
    checkScoreRows(this, ids.length);
    this.#checkRoom(ids.length);
    return this.#enqueue(ids.length, () => {
      const position = this.#forget(this.#length);
      this.#ids.set(ids, position);
      this.#cache.append(ids.length);
      finish(this.#forward(position, ids.length, "all"));
      this.#length += ids.length;
      const { vocabularySize } = this.#backend;
      const logits = new Float32Array(ids.length * vocabularySize);
      for (let row = 0; row < ids.length; row++) logits.set(this.#logits(row), row * vocabularySize);
      return logits;
    });
  }

  truncate(length: number): void {
    this.#rollbacks++;
    this.#waiting = 0;
    this.#backend.selector.forget(this);
    this.#forget(Math.min(length, this.#length));
  }

  gaps(): (Gap | undefined)[] {
    this.#forget(this.#length);
    return this.#cache.gaps();
  }

  async readBlocks(first: number, count: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#enqueue(0, () => readPages(this.#backend.pool, this.#cache, first * pageTokens, count));
  }

  async appendBlocks(ids: Uint32Array, blocks: Uint8Array<ArrayBuffer>, gaps: readonly (Gap | undefined)[]): Promise<void> {
    this.#checkRoom(ids.length);
    return this.#enqueue(0, async () => {
      const position = this.#forget(this.#length);
      await adoptPages(this.#backend.pool, this.#cache, ids.length, gaps, blocks);
      this.#ids.grow(position + ids.length);
      this.#ids.set(ids, position);
      this.#length += ids.length;
    });
  }

  fork(policy = this.#cache.policy): CpuTimeline {
    const { pool, plan } = this.#backend;
    checkPlanned(pool.shape, plan.policy, policy, plan.contextLength, maxStepTokens);
    // What was drawn ahead is in the cache and not in the sequence.
    this.#forget(this.#length);
    this.#backend.selector.forget(this);
    const fork = new CpuTimeline(this.#backend, this.#cache.fork(policy));
    fork.#ids.replace(this.#ids.all);
    fork.#length = this.#length;
    return fork;
  }

  mark(): CacheMark {
    this.#backend.selector.forget(this);
    this.#forget(this.#length);
    return this.#cache.mark();
  }

  returnTo(mark: CacheMark, ids: Uint32Array): boolean {
    this.truncate(this.length);
    this.#backend.landmarks.forget(this);
    if (!this.#cache.returnTo(mark)) return false;
    this.#ids.replace(ids);
    this.#length = mark.length;
    return true;
  }

  pages(): PageUsage {
    return this.#cache.usage();
  }

  async retrieved(): Promise<Uint32Array> {
    // No step: a rollback does not drop it.
    return this.#backend.inTurn(async () => {
      this.#hits ??= new PageHits(this.#backend.heap, this.#backend.plan.contextLength);
      return this.#hits.take(this.#length);
    });
  }

  dispose(): void {
    this.truncate(0);
    this.#hits?.dispose();
    this.#cache.dispose();
  }

  #checkRoom(tokens: number): void {
    this.#backend.throwIfUnusable();
    checkRoom(this, tokens, this.#limit);
  }

  /** Runs a step of so many tokens in its turn, when the event loop has had its own. */
  #enqueue<T>(tokens: number, step: () => T | Promise<T>): Promise<T> {
    const rollbacks = this.#rollbacks;
    this.#waiting += tokens;
    return this.#backend.inTurn(async () => {
      try {
        await nextTask();
        this.#throwIfDropped(rollbacks);
        this.#draftRoom = await this.#reserve(tokens);
        this.#throwIfDropped(rollbacks);
      } finally {
        if (rollbacks === this.#rollbacks) this.#waiting -= tokens;
      }
      return step();
    });
  }

  /** Makes room for so many tokens, and for drafts where the context and the pages that other timelines leave have it: for how many. */
  async #reserve(tokens: number): Promise<number> {
    const { length } = this.#cache;
    // Some of them may be in the cache already, drawn ahead.
    const needed = Math.min(tokens, this.#limit - length);
    this.#ids.grow(length + needed);
    // Rows of one step are those of many only where all of them read everything, as it was written.
    const dense = length + needed + mostDrafts < this.#cache.policy.denseUntil;
    const drafts = this.#backend.drafts && dense ? Math.min(mostDrafts, this.#limit - length - needed) : 0;
    try {
      await this.#cache.reserve(needed + drafts);
      return drafts;
    } catch (error) {
      // Where what is away could not be read any more nothing is left, and steps that wait have nothing to go on from.
      if (this.#cache.length < length) this.truncate(0);
      if (this.#cache.length < length || drafts === 0) throw error;
      await this.#cache.reserve(needed);
      return 0;
    }
  }

  /** What fails because the model was disposed fails for that reason. */
  #throwIfDropped(rollbacks: number): void {
    this.#backend.throwIfUnusable();
    checkNotRolledBack(rollbacks, this.#rollbacks);
  }

  /** Appends a chunk of a prompt. Its tokens count when all of it is done: one that is rolled back meanwhile leaves nothing. */
  async #read(ids: Uint32Array, logitsOf: ForwardInput["logitsOf"]): Promise<void> {
    const rollbacks = this.#rollbacks;
    const position = this.#forget(this.#length);
    this.#ids.set(ids, position);
    this.#cache.append(ids.length);
    this.#reading = ids.length;
    let paused = performance.now();
    for (const pending of this.#forward(position, ids.length, logitsOf, true)) {
      if (!pending && performance.now() - paused < pauseMilliseconds) continue;
      await (pending ?? nextTask());
      paused = performance.now();
      this.#throwIfDropped(rollbacks);
    }
    this.#reading = 0;
    this.#length += ids.length;
  }

  /** The token that an earlier step has drawn already, where its drafts were right. */
  #takeAhead(sampling: Sampling): number | undefined {
    const id = this.#ahead && sameSampling(this.#ahead.sampling, sampling) ? this.#ahead.ids.shift() : undefined;
    if (id !== undefined) return this.#accept(id);
    // What was drawn otherwise, and what a step appended that failed.
    this.#forget(this.#length);
    return undefined;
  }

  #accept(id: number): number {
    this.#length++;
    this.#ids.set([id], this.#length);
    return id;
  }

  /**
   * Appends the token drawn last, and behind it what followed the last words when they occurred before. As long as that is what is drawn
   * anyway, the rows behind it are those of the next steps, bit for bit.
   */
  #step(sampling: Sampling): number {
    const position = this.#length;
    // A row alone sees the page before its own closed; beyond the end of its page drafts would see it open.
    const room = this.#backend.pool.closes ? Math.min(this.#draftRoom, pageTokens - 1 - (position % pageTokens)) : this.#draftRoom;
    const { found, ids: drafts } = this.#ids.draft(position + 1, room);
    const started = performance.now();
    this.#ids.set(drafts, position + 1);
    this.#cache.append(1 + drafts.length);
    finish(this.#forward(position, 1 + drafts.length, drafts.length === 0 ? "last" : "all"));
    const [first = 0, ...others] = this.#verify(position, drafts, sampling);
    this.#cache.truncate(position + 1 + others.length);
    this.#ids.learn(found, 1 + drafts.length, (performance.now() - started) / 1000, drafts.length, first, others.length);
    this.#accept(first);
    if (others.length > 0) this.#ahead = { ids: others, sampling };
    return first;
  }

  /** The tokens drawn after the first row and after each draft that was right. */
  #verify(position: number, drafts: Uint32Array, sampling: Sampling): number[] {
    const drawn = [this.#draw(0, sampling, position + 1)];
    for (let row = 1; row <= drafts.length && drafts[row - 1] === drawn[row - 1]; row++)
      drawn.push(this.#draw(row, sampling, position + 1 + row));
    return drawn;
  }

  #forward(position: number, tokens: number, logitsOf: ForwardInput["logitsOf"], prompt = false): ReturnType<typeof forward> {
    const { model, heap, landmarks } = this.#backend;
    const { scratch, weights } = model;
    const { policy, lists, moves } = this.#cache;
    const selection = tokens === 1 && position >= (policy.selection?.from ?? Infinity) ? policy.selection : undefined;
    if (selection && selectsBy(selection) === "ranges") landmarks.prepare(this, policy, lists.longest);
    const selected = selection !== undefined && this.#backend.selector.keeps(this, position, selection.every);
    const { count: rotations, positions } = this.#cache.rotations(tokens);
    const table = rotationTable(weights.rotary, positions);
    heap.u32(scratch.ids, tokens).set(this.#ids.all.subarray(position, position + tokens));
    heap.f32(scratch.rotations, table.length).set(table);
    return forward(model, {
      tokens,
      position,
      rotations,
      cache: (layer) => layerPointers(this.#cache, layer),
      turns: this.#backend.turns(position + tokens - 1),
      selection,
      selected,
      looks: moves && !selected ? (found) => this.#cache.looked(found) : undefined,
      landmarks: (layer) => landmarks.pointer(layer),
      hits: this.#hits?.pointer(position) ?? 0,
      prompt,
      logitsOf,
    });
  }

  #draw(row: number, sampling: Sampling, position = this.#length): number {
    const id = this.#drawer.draw(this.#logits(row), this.#ids.all, sampling, position);
    if (position === this.#length) this.#ids.set([id], position);
    return id;
  }

  /** A view of a row of the last step's logits. */
  #logits(row: number): Float32Array {
    const { heap, model, vocabularySize } = this.#backend;
    return heap.f32(model.scratch.logits + row * model.weights.head.rows * 4, vocabularySize);
  }

  /** Forgets every token from `length` on, what was drawn ahead and the chunk that is under way included: returns how many are left. */
  #forget(length: number): number {
    // Steps that wait behind that chunk have nothing to go on from.
    if (this.#reading > 0) [this.#reading, this.#waiting, this.#rollbacks] = [0, 0, this.#rollbacks + 1];
    this.#ahead = undefined;
    if (length < this.#cache.length) this.#backend.landmarks.forget(this);
    this.#length = Math.min(length, this.#cache.truncate(length));
    this.#ids.truncate(this.#length);
    return this.#length;
  }
}
