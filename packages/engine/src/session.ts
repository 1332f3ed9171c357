import type { ByteSource } from "@longtab/formats";
import { fetchPart } from "@longtab/origin";
import type { CacheMark } from "@longtab/attention";
import type { Backend, PrefillOptions, Sampling, Timeline } from "./backend.ts";
import type * as Snapshots from "./snapshot/index.ts";

/** A place that the session was at, and the ids before it. */
interface Place {
  mark: CacheMark;
  ids: Uint32Array;
}

/** Places that are kept: ends of prompts and of answers, the last of them, and beginnings that several conversations share. */
const mostEnds = 8;
const mostBeginnings = 3;
/** A shorter beginning is read again as fast as it is found. */
const shortestBeginning = 16;
/** Tokens that a timeline can always be rolled back by, but for those of a page that is closed. */
const rollback = 16;

/**
 * One conversation's tokens on a backend: the ids whose keys and values are stored. A new prompt reuses the longest common
 * prefix of tokens and forgets the rest. Under policies that give tokens back a rollback reaches a little way only: the session keeps
 * places to return to, which share the timeline's pages.
 */
export class Session {
  readonly timeline: Timeline;
  #backend: Backend;
  #ends: Place[] = [];
  #beginnings: Place[] = [];
  /** Where the prompt that is being read parts from what was read before it. */
  #parting = 0;
  /** Ids of the timeline, in order; those of steps that were submitted ahead and then not wanted are not among them. */
  #ids: number[] = [];

  constructor(backend: Backend) {
    this.#backend = backend;
    this.timeline = backend.createTimeline();
  }

  get length(): number {
    return this.#ids.length;
  }

  /** A copy of the ids whose keys and values are stored. */
  get ids(): Uint32Array<ArrayBuffer> {
    return Uint32Array.from(this.#ids);
  }

  /**
   * Goes back to the longest prefix of `prompt` that is stored or that a place leads to, always leaving a token to run.
   * @returns its length.
   */
  reuse(prompt: Uint32Array): number {
    const readable = prompt.subarray(0, -1);
    const common = commonLength(this.#ids, readable);
    // Where it only goes on, or nothing was held, nothing parts.
    this.#parting = common + rollback < this.#ids.length ? common : 0;
    const kept = this.#keep(common);
    const [best] = [...this.#ends, ...this.#beginnings]
      .map(({ mark, ids }) => ({ mark, ids, length: commonLength(ids, readable) }))
      .filter(({ mark, ids, length }) => mark.length === ids.length && length > kept && length >= ids.length - rollback)
      .toSorted((a, b) => b.length - a.length);
    if (!best || !this.timeline.returnTo(best.mark, best.ids)) return kept;
    this.#ids = [...best.ids];
    return this.#keep(best.length);
  }

  /**
   * Reads what `reuse` left of `prompt` and draws the next token.
   * @param shared tokens that other prompts are likely to begin with.
   * @throws LongtabError as `Timeline.prefill` does.
   */
  async read(prompt: Uint32Array, sampling: Sampling, shared = 0, options: PrefillOptions = {}): Promise<number> {
    const from = this.#ids.length;
    const read = async (to: number): Promise<number> => {
      const { length } = this.timeline;
      return this.timeline.prefill(prompt.subarray(length, to), sampling, progressOf(options, length - from, prompt.length - from));
    };
    // Prompts that parted once may do so again.
    const partings = [shared, this.#parting].filter((at) => at >= Math.max(from, shortestBeginning) && at < prompt.length);
    for (const at of this.#forgets ? partings.toSorted((a, b) => a - b) : []) {
      if (at > this.timeline.length) await read(at);
      this.#note(this.#beginnings, mostBeginnings, prompt.slice(0, at));
    }
    const id = await read(prompt.length);
    this.#note(this.#ends, mostEnds, prompt.slice());
    return id;
  }

  /**
   * Says which ids the timeline holds from position `from` on. Where it holds more (steps submitted ahead), they are rolled
   * back; where it holds fewer (an abort, the last token drawn), so does the session.
   */
  settle(from: number, ids: Iterable<number>): void {
    this.#ids.length = from;
    for (const id of ids) this.#ids.push(id);
    this.#keep(this.#ids.length);
    if (this.length > 0) this.#note(this.#ends, mostEnds, this.ids);
  }

  /**
   * Everything that `restore` needs to go on from here without reading a token again, piece by piece; nothing where nothing is held. The
   * session must rest until the last piece was taken.
   * @param model a fingerprint of the weights.
   */
  async *snapshot(model: string): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const { writeSnapshot } = await importSnapshots();
    yield* writeSnapshot(this.#backend, this.timeline, this.ids, model);
  }

  /**
   * Takes the place where a snapshot was made; what the session held before is forgotten. All of the snapshot is checked before anything
   * changes, so a refused one costs nothing.
   * @throws LongtabError as `restoreSnapshot` does. Where that comes after the check (a lost device, an abort), the session is empty.
   */
  async restore(source: ByteSource, model: string, signal?: AbortSignal): Promise<void> {
    const { checkSnapshot, restoreSnapshot } = await importSnapshots();
    await checkSnapshot(source, this.#backend, model, signal);
    this.#keep(0);
    try {
      const ids = await restoreSnapshot(source, this.#backend, model, this.timeline, signal);
      this.#ids = [...ids];
    } catch (error) {
      this.#keep(0);
      throw error;
    }
  }

  dispose(): void {
    for (const { mark } of [...this.#ends, ...this.#beginnings]) mark.dispose();
    this.timeline.dispose();
  }

  /** Whether a rollback may find that what it needs was given back. */
  get #forgets(): boolean {
    return this.#backend.policy.endless;
  }

  /** Keeps the place that the timeline is at, whose ids these are; of many the one that was used least lately goes. */
  #note(places: Place[], most: number, ids: Uint32Array): void {
    // Whoever gave up waiting for a prompt may have rolled it back meanwhile.
    if (!this.#forgets || this.timeline.length !== ids.length) return;
    // Places of one conversation share their ids: those of the longest.
    for (const place of [...this.#ends, ...this.#beginnings])
      if (commonLength(place.ids, ids) === place.ids.length) place.ids = ids.subarray(0, place.ids.length);
    const same = places.findIndex((place) => place.ids.length === ids.length && place.ids.buffer === ids.buffer);
    if (same >= 0) places.splice(same, 1)[0]?.mark.dispose();
    places.push({ mark: this.timeline.mark(), ids });
    if (places.length > most) places.shift()?.mark.dispose();
  }

  #keep(length: number): number {
    this.timeline.truncate(length);
    this.#ids.length = Math.min(length, this.timeline.length);
    return this.#ids.length;
  }
}

/** Fetched when a conversation is first kept or brought back. @throws LongtabError `network-failed` */
async function importSnapshots(): Promise<typeof Snapshots> {
  return fetchPart("The part of Longtab that keeps conversations", async () => import("./snapshot/index.ts"));
}

/** How far two sequences are the same from the first on. */
export function commonLength(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let common = 0;
  while (common < a.length && common < b.length && a[common] === b[common]) common++;
  return common;
}

/** Options for a part of a prompt's reading: `before` tokens were read, `total` are to be. */
function progressOf({ onProgress, ...options }: PrefillOptions, before: number, total: number): PrefillOptions {
  return { ...options, ...(onProgress && { onProgress: (done: number) => onProgress(before + done, total) }) };
}
