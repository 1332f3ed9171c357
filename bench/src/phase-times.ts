/** How long each phase of a load took, from reports of which phase it is in. A phase ends when another begins. */
export class PhaseTimes {
  #seconds = new Map<string, number>();
  #phase: string | undefined;
  #since = 0;
  #now: () => number;

  /** @param now milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  enter(phase: string): void {
    if (phase === this.#phase) return;
    this.end();
    this.#phase = phase;
    this.#since = this.#now();
  }

  end(): void {
    if (this.#phase !== undefined) this.#seconds.set(this.#phase, this.seconds(this.#phase) + (this.#now() - this.#since) / 1000);
    this.#phase = undefined;
  }

  /** 0 for a phase that never was. */
  seconds(phase: string): number {
    return this.#seconds.get(phase) ?? 0;
  }
}
