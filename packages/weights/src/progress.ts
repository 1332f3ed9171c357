import type { WeightsProgress } from "./contract.ts";

/** Seconds after which a past speed counts for a third (1/e): long enough to be calm, short enough to follow a change. */
const MEMORY_SECONDS = 3;
const REPORT_INTERVAL_MS = 200;

/**
 * Bytes a second over about the last three seconds. Bytes and seconds fade alike, so that the first second's rate is that second's
 * and not one that climbs from zero.
 */
export class RateMeter {
  #bytes = 0;
  #seconds = 0;

  /** `bytes` came in the `seconds` since the last call. */
  add(bytes: number, seconds: number): void {
    const kept = Math.exp(-seconds / MEMORY_SECONDS);
    this.#bytes = this.#bytes * kept + bytes;
    this.#seconds = this.#seconds * kept + seconds;
  }

  get rate(): number {
    return this.#seconds === 0 ? 0 : this.#bytes / this.#seconds;
  }
}

/** Turns "so many bytes are here now" into at most five reports a second. */
export class ProgressReporter {
  readonly #report: (progress: WeightsProgress) => void;
  readonly #now: () => number;
  #phase: WeightsProgress["phase"] = "download";
  #total = 0;
  #reported = { loaded: 0, at: 0 };
  #meter = new RateMeter();

  /** `now` in milliseconds. */
  constructor(report: (progress: WeightsProgress) => void, now: () => number = () => performance.now()) {
    this.#report = report;
    this.#now = now;
  }

  /** Begins a phase of `total` bytes, of which `loaded` are there already: they do not count as speed. */
  begin(phase: WeightsProgress["phase"], loaded: number, total: number): void {
    this.#phase = phase;
    this.#total = total;
    this.#reported = { loaded, at: this.#now() };
    this.#meter = new RateMeter();
    this.#report({ phase, loaded, total, rate: 0 });
  }

  update(loaded: number): void {
    const at = this.#now();
    if (at - this.#reported.at < REPORT_INTERVAL_MS && loaded < this.#total) return;
    this.#meter.add(loaded - this.#reported.loaded, (at - this.#reported.at) / 1000);
    this.#reported = { loaded, at };
    this.#report({ phase: this.#phase, loaded, total: this.#total, rate: this.#meter.rate });
  }
}
