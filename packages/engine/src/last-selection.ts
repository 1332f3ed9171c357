import type { Timeline } from "./backend.ts";

/**
 * Who has selected last: where several steps go by one selection, the lists are in scratch that the timelines of a backend share, so only
 * the timeline whose last step selected may go by it.
 */
export class LastSelection {
  #timeline: Timeline | undefined;
  /** Position of the row that may go by it. */
  #next = 0;

  /** Whether the step of one row at `position` goes by what the step before it has selected; it is taken to select otherwise. */
  keeps(timeline: Timeline, position: number, every: number): boolean {
    const keeps = this.#timeline === timeline && this.#next === position && position % every !== 0;
    this.#timeline = timeline;
    this.#next = position + 1;
    return keeps;
  }

  /** The lists of a timeline may have changed since its last step selected. */
  forget(timeline: Timeline): void {
    if (this.#timeline === timeline) this.#timeline = undefined;
  }
}
