import { createRandom } from "@longtab/formats/testing";
import { describe, expect, it } from "vitest";
import type { Sampling } from "../backend.ts";
import { Drawer } from "./draw.ts";
import { sampleReference } from "./sample.reference.ts";
import { distributions, randomSampling } from "./testing/cases.ts";

const plain: Sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, penaltyWindow: 64, seed: 1 };

/** One draw at the end of given tokens. */
function draw(logits: ArrayLike<number>, sampling: Partial<Sampling>, window: number[] = []): number {
  const values = Float32Array.from(logits);
  const id = new Drawer(values.length).draw(values, Uint32Array.from(window), { ...plain, ...sampling }, window.length);
  expect(values).toEqual(Float32Array.from(logits));
  return id;
}

describe("a draw", () => {
  const random = createRandom(20_260_114);

  it.each([
    [1, 20],
    [2, 100],
    [7, 300],
    [255, 200],
    [1000, 100],
    [4097, 40],
    [49_152, 4],
  ])("is the reference's among %i logits", (size, casesEach) => {
    const drawer = new Drawer(size);
    let draws = 0;
    let ambiguous = 0;
    for (const [kind, make] of Object.entries(distributions(random))) {
      for (let round = 0; round < casesEach; round++) {
        const [logits, sampling, position] = [make(size), randomSampling(random, size), random.integer(120)];
        const ids = Uint32Array.from({ length: 121 }, () => random.integer(Math.min(size, 200)));
        const found = drawer.draw(logits, ids, sampling, position);
        const { id, accepted } = sampleReference({ logits, tokens: ids, sampling, position });
        expect(accepted, `${kind}, ${JSON.stringify(sampling)}`).toContain(found);
        // Both compute in f64: only the order of a sum differs.
        ambiguous += Number(found !== id);
        draws++;
      }
    }
    expect(ambiguous).toBeLessThanOrEqual(draws * 0.001);
  });

  it("takes the lowest id of equal logits when greedy", () => {
    expect(draw([1, 5, 5, 2], { temperature: 0 })).toBe(1);
    expect(draw(new Float32Array(5000).with(4500, -0), { temperature: 0 })).toBe(0);
    expect(draw([1, 2e30, 3e30, Infinity], { temperature: 0 })).toBe(1);
    expect(draw([-Infinity, NaN, -3e30, -2e30], { temperature: 0 })).toBe(2);
  });

  it("penalises an id once, however often the window holds it", () => {
    const greedy = { temperature: 0, repetitionPenalty: 2 };
    expect(draw([4, 1.5, 1], greedy, [0, 0, 0])).toBe(0);
    expect(draw([4, 2.5, 1], greedy, [0, 0, 0])).toBe(1);
    expect(draw([-4, -7, -9], greedy, [0, 0])).toBe(1);
    expect(draw([4, 2.5, 1], { ...greedy, penaltyWindow: 2 }, [0, 1, 2])).toBe(0);
  });

  it("answers id 0 where nothing can be drawn", () => {
    for (const nothing of [NaN, -Infinity]) {
      for (const sampling of [{ temperature: 0 }, {}, { topK: 2 }, { topP: 0.5 }, { topK: 3, topP: 0.5, minP: 0.1 }]) {
        expect(draw(new Float32Array(3000).fill(nothing), sampling)).toBe(0);
        expect(draw(new Float32Array(3000).fill(nothing).with(2999, -4), sampling)).toBe(2999);
      }
    }
  });

  it("keeps the ties of the last token kept", () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 40; seed++) seen.add(draw([3, 1, 2, 2, 2], { topK: 2, seed }));
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 2, 3, 4]);
  });

  it("takes each id as often as its probability says", () => {
    const logits = random.normals(50, 1.5);
    const drawer = new Drawer(50);
    const draws = 40_000;
    const counts = new Float64Array(50);
    for (let position = 0; position < draws; position++) {
      const id = drawer.draw(logits, new Uint32Array(0), { ...plain, temperature: 0.8 }, position);
      counts[id] = (counts[id] ?? 0) + 1;
    }
    const masses = Array.from(logits, (logit) => Math.exp(logit / 0.8));
    const total = masses.reduce((a, b) => a + b, 0);
    for (const [id, mass] of masses.entries()) {
      const expected = (mass / total) * draws;
      // Five deviations of a binomial count.
      expect(Math.abs((counts[id] ?? NaN) - expected)).toBeLessThan(5 * Math.sqrt(expected) + 1);
    }
  });
});
