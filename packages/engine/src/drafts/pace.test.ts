import { createRandom } from "@longtab/formats/testing";
import { describe, expect, it } from "vitest";
import { DraftPace, mostDrafts } from "./pace.ts";

interface Machine {
  /** Seconds of a step of so many rows. */
  seconds: (rows: number) => number;
  /** The chance that a draft id is right. */
  chance: number;
}

/** Generates for `steps` steps on a synthetic machine, drafts always at hand; how many were checked each time, and tokens per second. */
function run(pace: DraftPace, { seconds, chance }: Machine, steps: number, seed = 1): { checked: number[]; rate: number } {
  const random = createRandom(seed);
  const checked: number[] = [];
  let tokens = 0;
  let time = 0;
  for (let step = 0; step < steps; step++) {
    const drafts = pace.drafts(2, mostDrafts);
    let right = 0;
    while (right < mostDrafts && random.next() < chance) right++;
    // Where none is checked the first is still compared with the token that comes.
    pace.check(2, Math.max(1, drafts), right);
    pace.measure(drafts + 1, seconds(drafts + 1));
    checked.push(drafts);
    tokens += 1 + Math.min(right, drafts);
    time += seconds(drafts + 1);
  }
  return { checked, rate: tokens / time };
}

/** Tokens per second with `drafts` at every step, expected. */
function expectedRate({ seconds, chance }: Machine, drafts: number): number {
  let tokens = 0;
  for (let index = 0; index <= drafts; index++) tokens += chance ** index;
  return tokens / seconds(drafts + 1);
}

function bestRate(machine: Machine): number {
  return Math.max(...Array.from({ length: mostDrafts + 1 }, (_, drafts) => expectedRate(machine, drafts)));
}

const linear = (rowCost: number) => (rows: number) => 0.015 * (1 + rowCost * (rows - 1));

describe("a pace", () => {
  it("drafts nothing before a step was measured", () => {
    expect(new DraftPace().drafts(4, 7)).toBe(0);
  });

  it("never checks more drafts than there are, nor more than seven", () => {
    const pace = new DraftPace();
    run(pace, { seconds: linear(0.01), chance: 0.95 }, 100);
    expect(pace.drafts(2, 50)).toBe(7);
    for (const available of [0, 1, 3]) expect(pace.drafts(2, available)).toBe(available);
  });

  it("drafts all where rows are free and drafts right", () => {
    const { checked } = run(new DraftPace(), { seconds: linear(0), chance: 1 }, 100);
    expect(checked.slice(20).every((drafts) => drafts === mostDrafts)).toBe(true);
  });

  it("drafts nothing where drafts are wrong", () => {
    const { checked } = run(new DraftPace(), { seconds: linear(0.1), chance: 0 }, 200);
    expect(checked.slice(30).every((drafts) => drafts === 0)).toBe(true);
  });

  it("drafts nothing where a row more costs as much as a step", () => {
    const { checked } = run(new DraftPace(), { seconds: linear(1), chance: 0.9 }, 2000);
    expect(checked.filter((drafts) => drafts > 0).length).toBeLessThan(20);
  });

  it.each([
    [0.05, 0.8],
    [0.1, 0.5],
    [0.1, 0.9],
    [0.3, 0.6],
    [0.5, 0.2],
    [0.8, 0.7],
  ])("comes within a tenth of the best choice where a row costs %d of a step and drafts are right %d of the time", (rowCost, chance) => {
    const machine = { seconds: linear(rowCost), chance };
    expect(run(new DraftPace(), machine, 4000).rate).toBeGreaterThan(0.9 * bestRate(machine));
  });

  it("finds the cheap number of rows where costs come in steps", () => {
    // A kernel that takes four rows for the price of one.
    const machine = { seconds: (rows: number) => 0.02 * Math.ceil(rows / 4), chance: 0.6 };
    const { checked, rate } = run(new DraftPace(), machine, 4000);
    expect(checked.slice(1000).filter((drafts) => drafts === 3).length).toBeGreaterThan(2000);
    expect(rate).toBeGreaterThan(0.9 * expectedRate(machine, 3));
  });

  it("begins to draft when drafts get better, and stops when they get worse", () => {
    const pace = new DraftPace();
    const seconds = linear(0.2);
    expect(run(pace, { seconds, chance: 0 }, 100).checked.at(-1)).toBe(0);
    expect(run(pace, { seconds, chance: 0.9 }, 100).checked.at(-1)).toBeGreaterThan(2);
    expect(run(pace, { seconds, chance: 0 }, 100).checked.at(-1)).toBe(0);
  });

  it.each([1, 2])("recovers from steps that took long by accident, the first or the second of their kind: %d", (ordinary) => {
    const pace = new DraftPace();
    const machine = { seconds: linear(0.05), chance: 0.8 };
    for (let rows = 1; rows <= 8; rows++) {
      if (ordinary === 2) pace.measure(rows, machine.seconds(rows));
      if (rows > 1) pace.measure(rows, 2);
    }
    pace.measure(1, machine.seconds(1));
    expect(run(pace, machine, 600).rate).toBeGreaterThan(0);
    expect(run(pace, machine, 1000).rate).toBeGreaterThan(0.9 * bestRate(machine));
  });

  it("follows steps that take longer as the context grows", () => {
    const pace = new DraftPace();
    let slower = 1;
    // Attention, of which each row has its own, becomes the larger part.
    const seconds = (rows: number): number => 0.01 * (1 + 0.02 * (rows - 1)) + 0.01 * (slower - 1) * rows;
    expect(run(pace, { seconds, chance: 0.6 }, 300).checked.at(-1)).toBeGreaterThan(3);
    slower = 5;
    const { checked } = run(pace, { seconds, chance: 0.6 }, 2000);
    expect(checked.slice(1000).filter((drafts) => drafts > 1).length).toBeLessThan(50);
  });

  it("keeps the chances of long and short matches apart", () => {
    const pace = new DraftPace();
    pace.measure(1, 0.015);
    for (let step = 0; step < 50; step++) {
      pace.check(2, 1, 0);
      pace.check(4, 7, 7);
    }
    expect([pace.drafts(2, 7), pace.drafts(4, 7)]).toEqual([0, 7]);
  });

  it("decides the same from the same observations", () => {
    const machine = { seconds: linear(0.15), chance: 0.7 };
    expect(run(new DraftPace(), machine, 300)).toEqual(run(new DraftPace(), machine, 300));
  });
});
