import type { BackendKind, LoadPhase, LoadProgress } from "./api.ts";

/** Reports are at least this far apart, but for the first and last of a phase. */
const intervalMs = 100;

/** Adds speed and time left to "so much of a phase is done", and thins the reports out. */
export class PhaseProgress {
  #emit: (progress: LoadProgress) => void;
  #phase: LoadPhase | undefined;
  #backend: BackendKind | undefined;
  /** Where the phase was when it was first reported: what was there before took no time. */
  #start = { loaded: 0, at: 0 };
  #reportedAt = 0;

  constructor(emit: (progress: LoadProgress) => void) {
    this.#emit = emit;
  }

  report(phase: LoadPhase, loaded: number, total: number, backend: BackendKind): void {
    const now = performance.now();
    const first = phase !== this.#phase || backend !== this.#backend;
    if (first) {
      this.#phase = phase;
      this.#backend = backend;
      this.#start = { loaded, at: now };
    }
    if (!first && loaded < total && now - this.#reportedAt < intervalMs) return;
    this.#reportedAt = now;
    const seconds = (now - this.#start.at) / 1000;
    const rate = seconds > 0.2 ? (loaded - this.#start.loaded) / seconds : 0;
    this.#emit({ phase, backend, loaded, total, rate, ...(rate > 0 && { secondsLeft: (total - loaded) / rate }) });
  }
}
