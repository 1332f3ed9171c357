/** Seeded, so that the same options make the same prompts everywhere. Mulberry32 (Tommy Ettinger). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1), 32 bits of it. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let hash = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    hash ^= hash + Math.imul(hash ^ (hash >>> 7), hash | 61);
    return ((hash ^ (hash >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Uniform in 0 ... bound - 1. */
  integer(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** `count` different ones of the values, in random order. */
  choose<T>(values: readonly T[], count: number): T[] {
    const rest = [...values];
    return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(this.integer(rest.length), 1)).flat();
  }
}
