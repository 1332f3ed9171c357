import { describe, expect, it } from "vitest";
import type { Contestant } from "./contest.ts";
import { compete } from "./contest.ts";

function counting(name: string, log: string[], failsInRound = Number.POSITIVE_INFINITY): Contestant {
  let runs = 0;
  return {
    name,
    async run() {
      log.push(name);
      if (++runs === failsInRound) throw new Error(`${name} broke`);
      return [{ name: "speed", unit: "tok/s", value: runs }];
    },
  };
}

describe("compete", () => {
  it("lets contestants take turns", async () => {
    const log: string[] = [];
    const entries = await compete([counting("a", log), counting("b", log)], 2, () => {});
    expect(log).toEqual(["a", "b", "a", "b"]);
    expect(entries).toEqual([
      { name: "a", measurements: [{ name: "speed", unit: "tok/s", values: [1, 2] }] },
      { name: "b", measurements: [{ name: "speed", unit: "tok/s", values: [1, 2] }] },
    ]);
  });

  it("keeps what a contestant measured before it failed, says why, and goes on with the others", async () => {
    const log: string[] = [];
    const entries = await compete([counting("a", log, 2), counting("b", log)], 3, () => {});
    expect(log).toEqual(["a", "b", "a", "b", "b"]);
    expect(entries[0]).toEqual({ name: "a", measurements: [{ name: "speed", unit: "tok/s", values: [1] }], failure: "a broke" });
    expect(entries[1]?.measurements[0]?.values).toEqual([1, 2, 3]);
  });

  it("announces each run", async () => {
    const announced: string[] = [];
    await compete([counting("a", [])], 2, (name, round) => announced.push(`${name} ${round}`));
    expect(announced).toEqual(["a 1", "a 2"]);
  });
});
