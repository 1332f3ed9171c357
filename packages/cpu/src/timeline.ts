import { checkPlanned, KvCache, pagesFor, pageTokens, rotationTable, rowsApart } from "@longtab/attention";
import type { CacheMark, Gap, PageUsage, Policy } from "@longtab/attention";
import { checkRoom, checkScoreRows, DraftLookUp, DraftPace, Drawer, mostDrafts } from "@longtab/engine";
import type { Draft, PrefillOptions, Sampling, Timeline } from "@longtab/engine";
import { LongtabError, orAborted, throwIfAborted } from "@longtab/errors";
import type { CpuBackend } from "./backend.ts";
import { forward } from "./forward.ts";
import type { ForwardInput } from "./forward.ts";
import { layerPointers, PageHits } from "./kv/index.ts";
import type { CpuTable } from "./kv/index.ts";
import { nextTask } from "./next-task.ts";
import { maxLogitRows, maxStepTokens } from "./scratch.ts";

/** A chunk of a prompt should take about this long, so that progress can be shown; smaller ones use weights and threads less well. */
const chunkSeconds = 0.8;
/** Below this unpacking the weights costs more than multiplying with them. */
const smallestChunk = 8;
const firstChunk = 32;
/** Ids that a timeline has room for at first. */
const firstIds = 1024;
/** While a chunk is read the event loop has its turn this often, so that an abort is heard. */
const pauseSeconds = 0.03;

/** One sequence on the CPU. Timelines of one backend share its scratch; turns keep their steps apart. */
export class CpuTimeline implements Timeline {
  readonly scoreRows = maxLogitRows;
  readonly #backend: CpuBackend;
  readonly #cache: KvCache<CpuTable>;
  /** By absolute position: those stored, then the one drawn last, then drafts. It grows with the text; keys and values need not. */
  #ids: Uint32Array<ArrayBuffer> = new Uint32Array(firstIds);
  readonly #drawer: Drawer;
  #lookUp: DraftLookUp;
  readonly #pace = new DraftPace();
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
    this.#lookUp = new DraftLookUp(this.#ids);
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

  async prefill(ids: Uint32Array, sampling: Sampling, { signal, onProgress }: PrefillOptions = {}): Promise<number> {
    if (ids.length === 0) throw new LongtabError({ code: "empty-prompt", what: "There is no token to read", remedy: "write something" });
    this.#checkRoom(ids.length);
    const apart = rowsApart(this.#cache.policy, this.length + ids.length);
    for (let done = 0; ;) {
      throwIfAborted(signal);
      onProgress?.(done, ids.length);
      const chunk = ids.subarray(done, done + this.#chunkSize(ids.length - done, apart));
      done += chunk.length;
      const last = done === ids.length;
      const read = this.#enqueue(chunk.length, async () => {
        await this.#read(chunk, last ? "last" : "none");
        return last ? this.#draw(0, sampling) : 0;
      });
      const id = await orAborted(read, signal).catch((error: unknown) => {
        // What is under way ends at its next pause, as after a rollback.
        if (signal?.aborted) this.truncate(this.#length);
        throw error;
      });
      if (!last) continue;
      onProgress?.(done, ids.length);
      return id;
    }
  }

  async decode(sampling: Sampling): Promise<number> {
    this.#checkRoom(1);
    return this.#enqueue(1, () => this.#takeAhead(sampling) ?? this.#step(sampling));
  }

  async score(ids: Uint32Array): Promise<Float32Array> {
    checkScoreRows(this, ids.length);
    this.#checkRoom(ids.length);
    return this.#enqueue(ids.length, () => {
      this.#forget(this.#length);
      this.#take(ids);
      finish(this.#forward(this.#length - ids.length, ids.length, "all"));
      const { vocabularySize } = this.#backend;
      const logits = new Float32Array(ids.length * vocabularySize);
      for (let row = 0; row < ids.length; row++) logits.set(this.#logits(row), row * vocabularySize);
      return logits;
    });
  }

  truncate(length: number): void {
    this.#rollbacks++;
    this.#waiting = 0;
    this.#reading = 0;
    this.#forget(Math.min(length, this.#length));
  }

  gaps(): (Gap | undefined)[] {
    this.#forget(this.#length);
    return this.#cache.gaps();
  }

  async readBlocks(first: number, count: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#enqueue(0, () => {
      const pages = this.#pagesOf(first * pageTokens, count);
      const bytes = new Uint8Array(pages.reduce((sum, { length }) => sum + length, 0));
      let place = 0;
      for (const page of pages) {
        bytes.set(page, place);
        place += page.length;
      }
      return bytes;
    });
  }

  async appendBlocks(ids: Uint32Array, blocks: Uint8Array<ArrayBuffer>, gaps: readonly (Gap | undefined)[]): Promise<void> {
    this.#checkRoom(ids.length);
    return this.#enqueue(0, async () => {
      const position = this.#length;
      this.#forget(position);
      await this.#cache.adopt(ids.length, gaps);
      this.#growIds(position + ids.length + 1 + mostDrafts);
      this.#ids.set(ids, position);
      this.#length += ids.length;
      let place = 0;
      for (const page of this.#pagesOf(position, pagesFor(ids.length))) {
        page.set(blocks.subarray(place, place + page.length));
        place += page.length;
      }
    });
  }

  fork(policy = this.#cache.policy): CpuTimeline {
    const { pool, plan } = this.#backend;
    checkPlanned(pool.shape, plan.policy, policy, plan.contextLength, maxStepTokens);
    // What was drawn ahead is in the cache and not in the sequence.
    this.#cache.truncate(this.#length);
    this.#ahead = undefined;
    this.#backend.selector.forget();
    const fork = new CpuTimeline(this.#backend, this.#cache.fork(policy));
    fork.#growIds(this.#ids.length);
    fork.#ids.set(this.#ids);
    fork.#length = this.#length;
    return fork;
  }

  mark(): CacheMark {
    this.#backend.selector.forget();
    this.#forget(this.#length);
    return this.#cache.mark();
  }

  returnTo(mark: CacheMark, ids: Uint32Array): boolean {
    this.truncate(this.length);
    if (!this.#cache.returnTo(mark)) return false;
    this.#growIds(ids.length + 1 + mostDrafts);
    this.#ids.set(ids);
    this.#lookUp = new DraftLookUp(this.#ids);
    this.#length = mark.length;
    return true;
  }

  pages(): PageUsage {
    return this.#cache.usage();
  }

  async retrieved(): Promise<Uint32Array> {
    return this.#enqueue(0, () => {
      const { heap, plan } = this.#backend;
      this.#hits ??= new PageHits(heap, plan.contextLength);
      return this.#hits.take(this.#length);
    });
  }

  dispose(): void {
    this.truncate(0);
    this.#hits?.dispose();
    this.#cache.dispose();
  }

  /** The bytes of the pages of `count` blocks from `position` on, where heads keep them. Views that last until the memory grows. */
  #pagesOf(position: number, count: number): Uint8Array<ArrayBuffer>[] {
    return Array.from({ length: count }, (_, index) => this.#cache.pagesAt(position + index * pageTokens).flat())
      .flat()
      .flatMap((held) => (held ? [this.#backend.pool.page(held.page, held.form)] : []));
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
    // Some of them may be in the cache already, drawn ahead.
    const room = this.#limit - this.#cache.length;
    const needed = Math.min(tokens, room);
    this.#growIds(this.#cache.length + needed + 1 + mostDrafts);
    // Rows of one step are those of many only where all of them read everything, as it was written.
    const dense = this.#cache.length + needed + mostDrafts < this.#cache.policy.denseUntil && !this.#backend.pool.closes;
    const drafts = this.#backend.drafts && dense ? Math.min(mostDrafts, room - needed) : 0;
    try {
      await this.#cache.reserve(needed + drafts);
      return drafts;
    } catch {
      await this.#cache.reserve(needed);
      return 0;
    }
  }

  #growIds(length: number): void {
    if (length <= this.#ids.length) return;
    const ids = new Uint32Array(Math.max(length, 2 * this.#ids.length));
    ids.set(this.#ids);
    this.#ids = ids;
    this.#lookUp = new DraftLookUp(ids);
  }

  /** What fails because the model was disposed fails for that reason. */
  #throwIfDropped(rollbacks: number): void {
    this.#backend.throwIfUnusable();
    if (rollbacks !== this.#rollbacks) throw new LongtabError({ code: "aborted", what: "The step was rolled back before it began" });
  }

  /** Appends a chunk of a prompt. Its tokens count when all of it is done: one that is rolled back meanwhile leaves nothing. */
  async #read(ids: Uint32Array, logitsOf: ForwardInput["logitsOf"]): Promise<void> {
    const rollbacks = this.#rollbacks;
    const position = this.#length;
    const started = performance.now();
    this.#forget(position);
    this.#ids.set(ids, position);
    this.#cache.append(ids.length);
    this.#reading = ids.length;
    let paused = started;
    for (const pending of this.#forward(position, ids.length, logitsOf, true)) {
      if (!pending && performance.now() - paused < pauseSeconds * 1000) continue;
      await (pending ?? nextTask());
      paused = performance.now();
      this.#throwIfDropped(rollbacks);
    }
    this.#reading = 0;
    this.#length += ids.length;
    this.#measure(ids.length, started);
  }

  #take(ids: Uint32Array): void {
    this.#ids.set(ids, this.#length);
    this.#cache.append(ids.length);
    this.#length += ids.length;
  }

  /** The token that an earlier step has drawn already, where its drafts were right. */
  #takeAhead(sampling: Sampling): number | undefined {
    if (!this.#ahead) return undefined;
    const [id] = same(this.#ahead.sampling, sampling) ? this.#ahead.ids.splice(0, 1) : [];
    if (id === undefined || this.#ahead.ids.length === 0) this.#ahead = undefined;
    if (id === undefined) {
      this.#cache.truncate(this.#length);
      return undefined;
    }
    return this.#accept(id);
  }

  #accept(id: number): number {
    this.#length++;
    this.#ids[this.#length] = id;
    return id;
  }

  /**
   * Appends the token drawn last, and behind it what followed the last words when they occurred before. As long as that is what is drawn
   * anyway, the rows behind it are those of the next steps, bit for bit.
   */
  #step(sampling: Sampling): number {
    const position = this.#length;
    const found = this.#draftRoom > 0 ? this.#findDraft(position + 1) : undefined;
    const drafts = found ? found.ids.subarray(0, this.#pace.drafts(found.matched, found.ids.length)) : new Uint32Array();
    const started = performance.now();
    this.#ids.set(drafts, position + 1);
    this.#cache.append(1 + drafts.length);
    finish(this.#forward(position, 1 + drafts.length, drafts.length === 0 ? "last" : "all"));
    const [first = 0, ...others] = this.#verify(position, drafts, sampling);
    this.#cache.truncate(position + 1 + others.length);
    this.#pace.measure(1 + drafts.length, (performance.now() - started) / 1000);
    if (found) this.#learn(found, drafts.length, first, others.length);
    this.#accept(first);
    if (others.length > 0) this.#ahead = { ids: others, sampling };
    return first;
  }

  #findDraft(length: number): Draft | undefined {
    this.#lookUp.extend(length);
    return this.#lookUp.find(this.#draftRoom);
  }

  /** The tokens drawn after the first row and after each draft that was right. */
  #verify(position: number, drafts: Uint32Array, sampling: Sampling): number[] {
    const drawn = [this.#draw(0, sampling, position + 1)];
    for (let row = 1; row <= drafts.length && drafts[row - 1] === drawn[row - 1]; row++)
      drawn.push(this.#draw(row, sampling, position + 1 + row));
    return drawn;
  }

  #learn({ matched, ids }: Draft, checked: number, first: number, right: number): void {
    // A draft that no step checked: its first id is known now.
    if (checked === 0) this.#pace.check(matched, 1, Number(ids[0] === first));
    else this.#pace.check(matched, checked, right);
  }

  #forward(position: number, tokens: number, logitsOf: ForwardInput["logitsOf"], prompt = false): ReturnType<typeof forward> {
    const { model, heap } = this.#backend;
    const { scratch, weights } = model;
    const { selection: chosen } = this.#cache.policy;
    const selection = chosen && tokens === 1 && position >= chosen.from ? chosen : undefined;
    const { count: rotations, positions } = this.#cache.rotations(tokens);
    const table = rotationTable(weights.rotary, positions);
    heap.u32(scratch.ids, tokens).set(this.#ids.subarray(position, position + tokens));
    heap.f32(scratch.rotations, table.length).set(table);
    return forward(model, {
      tokens,
      position,
      rotations,
      cache: (layer) => layerPointers(this.#cache, layer),
      turns: this.#backend.turns(position + tokens - 1),
      selection,
      selected: selection !== undefined && this.#backend.selector.keeps(this, position, selection.every),
      hits: this.#hits?.pointer(position) ?? 0,
      prompt,
      logitsOf,
    });
  }

  #draw(row: number, sampling: Sampling, position = this.#length): number {
    const id = this.#drawer.draw(this.#logits(row), this.#ids, sampling, position);
    if (position === this.#length) this.#ids[position] = id;
    return id;
  }

  /** A view of a row of the last step's logits. */
  #logits(row: number): Float32Array {
    const { heap, model, vocabularySize } = this.#backend;
    return heap.f32(model.scratch.logits + row * model.weights.head.rows * 4, vocabularySize);
  }

  /** Forgets every token from `length` on, what was drawn ahead included. */
  #forget(length: number): void {
    this.#ahead = undefined;
    this.#length = Math.min(length, this.#cache.truncate(length));
    this.#lookUp.truncate(Math.min(this.#length, this.#lookUp.length));
  }

  /** Rows of the next step, with `left` tokens to read, of which the last `apart` have steps of their own. */
  #chunkSize(left: number, apart: number): number {
    if (left <= apart) return 1;
    const rate = this.#backend.prefillRate;
    const wanted = rate === undefined ? firstChunk : Math.floor((rate * chunkSeconds) / smallestChunk) * smallestChunk;
    return Math.min(left - apart, maxStepTokens, Math.max(smallestChunk, wanted));
  }

  #measure(tokens: number, started: number): void {
    // The last, short chunk of a prompt says little about long ones.
    if (tokens >= smallestChunk) this.#backend.prefillRate = (tokens / (performance.now() - started)) * 1000;
  }
}

function same(a: Sampling, b: Sampling): boolean {
  return a === b || (Object.keys(a) as (keyof Sampling)[]).every((name) => a[name] === b[name]);
}

/** Runs a pass that has nothing to wait for. */
function finish(pass: ReturnType<typeof forward>): void {
  if (!pass.next().done) throw new LongtabError({ code: "internal", what: "A step that reads no prompt waits for ONNX Runtime" });
}
