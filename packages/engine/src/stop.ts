/**
 * Finds stop strings in text that comes in pieces. Text that may be the beginning of a stop string is held back until it is
 * known not to be one. Of several, the one that is complete first counts, so that the cuts between pieces do not matter.
 */
export class StopMatcher {
  #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
  }

  /** Text that is safe to show, and whether a stop string ended it; after that nothing more must be pushed. */
  push(text: string): { text: string; stopped: boolean } {
    this.#held += text;
    const found = this.#stops.map((stop) => ({ start: this.#held.indexOf(stop), length: stop.length })).filter(({ start }) => start >= 0);
    const first = found.toSorted((a, b) => a.start + a.length - (b.start + b.length) || a.start - b.start)[0];
    if (first) return { text: this.#take(first.start), stopped: true };
    return { text: this.#take(this.#held.length - this.#possibleStart()), stopped: false };
  }

  /** What was held back, at the end of the text. */
  flush(): string {
    return this.#take(this.#held.length);
  }

  #take(length: number): string {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return text;
  }

  /** Length of the longest end of the held text that begins a stop string. */
  #possibleStart(): number {
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, this.#held.length); length > 0; length--) {
      const end = this.#held.slice(-length);
      if (this.#stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}
