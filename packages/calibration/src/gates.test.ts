import { expect, test } from "vitest";
import { fitGates } from "./gates.ts";
import type { Probe } from "./probe.ts";
import { ascending } from "./rank-heads.ts";

const shape = { layers: 5, kvHeads: 2 };
const settings = { shape, model: "a model", trained: 256, sinks: 16, recent: 32 };

/** Losses as if heads cost what they cost, and two of them much more together than each alone. */
function pretend(costs: readonly number[], pair: readonly [number, number], together: number): Pick<Probe, "measure"> {
  return {
    measure: async (policy) => {
      const streams = costs.map((_, head) => policy.rule(head >> 1, head & 1).keeps < Infinity);
      const sum = costs.reduce((total, cost, head) => total + (streams[head] ? cost : 0), 0);
      const answers = sum + (streams[pair[0]] && streams[pair[1]] ? together : 0);
      return { answers, text: Number.NaN, top1: Number.NaN, right: 1 };
    },
  };
}

test("gates find heads that replace each other, which no head's own score shows", async () => {
  const costs = [0.1, 1, 2, 0.2, 3, 0.15, 2.5, 0.3, 1.5, 0.25];
  const probe = pretend(costs, [0, 3], 5);
  expect(ascending(costs).slice(0, 5)).toContain(0);
  const fitted = await fitGates(probe as Probe, settings, costs, { count: 5, trials: 60, seed: 1 });
  const streaming = new Set(ascending(fitted).slice(0, 4));
  expect(streaming.has(0) && streaming.has(3)).toBe(false);
});

test("gates leave an order alone that is right", async () => {
  const costs = [0.1, 1, 2, 0.2, 3, 0.15, 2.5, 0.3, 1.5, 0.25];
  const fitted = await fitGates(pretend(costs, [0, 3], 0) as Probe, settings, costs, { count: 5, trials: 40, seed: 1 });
  expect(new Set(ascending(fitted).slice(0, 5))).toEqual(new Set(ascending(costs).slice(0, 5)));
});
