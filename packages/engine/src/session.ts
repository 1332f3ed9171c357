import type { ByteSource } from "@longtab/formats";
import type { Backend, Timeline } from "./backend.ts";
import { checkSnapshot, restoreSnapshot, writeSnapshot } from "./snapshot/index.ts";

/**
 * One conversation's tokens on a backend: the ids whose keys and values are stored. A new prompt reuses the longest common
 * prefix of tokens and forgets the rest.
 */
export class Session {
  readonly timeline: Timeline;
  #backend: Backend;
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

  /** Rolls back to the longest common prefix of what is stored and `prompt`, always leaving a token to run; returns its length. */
  reuse(prompt: Uint32Array): number {
    let common = 0;
    while (common < this.#ids.length && common < prompt.length - 1 && this.#ids[common] === prompt[common]) common++;
    return this.#keep(common);
  }

  /**
   * Says which ids the timeline holds from position `from` on. Where it holds more (steps submitted ahead), they are rolled
   * back; where it holds fewer (an abort, the last token drawn), so does the session.
   */
  settle(from: number, ids: Iterable<number>): void {
    this.#ids.length = from;
    for (const id of ids) this.#ids.push(id);
    this.#keep(this.#ids.length);
  }

  /**
   * Everything that `restore` needs to go on from here without reading a token again, piece by piece; nothing where nothing is held. The
   * session must rest until the last piece was taken.
   * @param model a fingerprint of the weights.
   */
  snapshot(model: string): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    return writeSnapshot(this.#backend, this.timeline, this.ids, model);
  }

  /**
   * Takes the place where a snapshot was made; what the session held before is forgotten. All of the snapshot is checked before anything
   * changes, so a refused one costs nothing.
   * @throws LongtabError as `restoreSnapshot` does. Where that comes after the check (a lost device, an abort), the session is empty.
   */
  async restore(source: ByteSource, model: string, signal?: AbortSignal): Promise<void> {
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
    this.timeline.dispose();
  }

  #keep(length: number): number {
    this.timeline.truncate(length);
    this.#ids.length = Math.min(length, this.timeline.length);
    return this.#ids.length;
  }
}
