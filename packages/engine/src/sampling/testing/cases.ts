import type { Random } from "@longtab/formats/testing";
import type { Sampling } from "../../backend.ts";

/** Kinds of logits that a sampler meets, and those that break one; each gives `size` logits. */
export function distributions(random: Random): Record<string, (size: number) => Float32Array<ArrayBuffer>> {
  const sprinkled = (logits: Float32Array<ArrayBuffer>, share: number, value: number): Float32Array<ArrayBuffer> =>
    logits.map((logit) => (random.next() < share ? value : logit));
  return {
    "normal logits": (size) => random.normals(size),
    "spread logits": (size) => random.normals(size, 6),
    "a flat distribution": (size) => new Float32Array(size).fill(random.normal()),
    "heavy ties": (size) => random.normals(size, 3).map(Math.round),
    "two values, signed zeros among them": (size) => Float32Array.from({ length: size }, () => random.pick([0, -0, -1])),
    "one peak": (size) => random.normals(size).with(random.integer(size), 25),
    "neighbouring floats": (size) => Float32Array.from({ length: size }, () => 8 + random.integer(64) * 2 ** -20),
    "a far offset": (size) => random.normals(size, 4).map((logit) => logit - 3000),
    "half of them -inf": (size) => sprinkled(random.normals(size, 3), 0.5, -Infinity),
    "NaN here and there": (size) => sprinkled(random.normals(size, 3), 0.1, NaN),
    "+inf here and there": (size) => sprinkled(random.normals(size, 3), 0.01, Infinity),
    "the largest floats": (size) => random.normals(size, 1e38),
    "a long tail": (size) => Float32Array.from({ length: size }, (_, id) => -2 * Math.log(1 + id)),
  };
}

export function randomSampling(random: Random, size: number): Sampling {
  return {
    temperature: random.pick([0, 1e-6, 0.01, 0.3, 0.7, 0.7, 1, 1, 2, 100]),
    topK: random.pick([0, 0, 0, 1, 2, 3, 40, 40, 1000, size - 1, size, size + 5]),
    topP: random.pick([0, 1e-4, 0.1, 0.5, 0.9, 0.95, 0.95, 0.999, 1 - 2 ** -24, 1, 1, 1]),
    minP: random.pick([0, 0, 0, 0, 0.01, 0.05, 0.5, 1]),
    repetitionPenalty: random.pick([1, 1.1, 1.1, 2, 0.5, 100]),
    penaltyWindow: random.pick([0, 1, 64, 100, 1_000_000]),
    seed: random.integer(2 ** 32),
  };
}
