/** How far a prompt has been read. */
export interface Reading {
  /** Tokens, of those that the cache did not hold. */
  done: number;
  total: number;
  /** Tokens a second, of late: the longer the text, the slower the next part. Undefined until known. */
  rate?: number;
  secondsLeft?: number;
}

/** So far back a rate looks; milliseconds. */
const WINDOW_MS = 8000;
/** Shorter than this says nothing of a rate. */
const SHORTEST_MS = 400;

/** Makes a rate and a time of reports of "so much is read". */
export class ReadingPace {
  readonly #reports: { done: number; at: number }[] = [];

  /** `at`: milliseconds. */
  report(done: number, total: number, at: number): Reading {
    this.#reports.push({ done, at });
    // The last one before the window still tells where the window began.
    while ((this.#reports[1]?.at ?? Infinity) < at - WINDOW_MS) this.#reports.shift();
    const [first] = this.#reports;
    const passed = at - (first?.at ?? at);
    const read = done - (first?.done ?? done);
    if (passed < SHORTEST_MS || read <= 0) return { done, total };
    const rate = (read / passed) * 1000;
    return { done, total, rate, secondsLeft: (total - done) / rate };
  }
}
