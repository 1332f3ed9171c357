import type { Backend, Timeline } from "./backend.ts";

/**
 * One conversation's tokens on a backend: the ids whose keys and values are stored. A new prompt reuses the longest common
 * prefix of tokens and forgets the rest.
 */
export class Session {
  readonly timeline: Timeline;
  /** Ids of the timeline, in order; those of steps that were submitted ahead and then not wanted are not among them. */
  #ids: number[] = [];

  constructor(backend: Backend) {
    this.timeline = backend.createTimeline();
  }

  get length(): number {
    return this.#ids.length;
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

  dispose(): void {
    this.timeline.dispose();
  }

  #keep(length: number): number {
    this.timeline.truncate(length);
    this.#ids.length = Math.min(length, this.timeline.length);
    return this.#ids.length;
  }
}
