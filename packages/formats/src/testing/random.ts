/** A seeded source of random numbers: the same seed gives the same sequence on every machine. */
export interface Random {
  /** Uniform in [0, 1), 32 bits of it. */
  readonly next: () => number;
  /** Uniform integer in [0, bound); `bound` is at most 2^32. */
  readonly integer: (bound: number) => number;
  /** Normal with mean 0 and standard deviation 1. */
  readonly normal: () => number;
  /** `length` uniform bytes. */
  readonly bytes: (length: number) => Uint8Array<ArrayBuffer>;
  /** `length` normal f32 values of standard deviation `deviation` (1 unless told). */
  readonly normals: (length: number, deviation?: number) => Float32Array<ArrayBuffer>;
  /** One of the choices, of which there is at least one. */
  readonly pick: <T>(choices: readonly T[]) => T;
}

/** Mulberry32 (Tommy Ettinger): a counter with an odd step, finished by two multiply-xorshift rounds; period 2^32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let hash = Math.imul(state ^ (state >>> 15), state | 1);
    hash ^= hash + Math.imul(hash ^ (hash >>> 7), hash | 61);
    return ((hash ^ (hash >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (bound: number): number => Math.floor(next() * bound);
  // Box-Muller; 1 - next() keeps the logarithm finite.
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const normals = (length: number, deviation = 1): Float32Array<ArrayBuffer> => {
    const values = new Float32Array(length);
    for (let i = 0; i < length; i += 1) values[i] = normal() * deviation;
    return values;
  };
  return {
    next,
    integer,
    normal,
    bytes: (length) => Uint8Array.from({ length }, () => integer(256)),
    normals,
    pick: (choices) => {
      const choice = choices[integer(choices.length)];
      if (choice === undefined) throw new RangeError("There is nothing to pick from");
      return choice;
    },
  };
}
