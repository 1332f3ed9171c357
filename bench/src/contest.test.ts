import { describe, expect, it } from "vitest";
import type { Contestant } from "./contest.ts";
import { compete } from "./contest.ts";

function counting(name: string, log: string[], failsInRound = Number.POSITIVE_INFINITY): Contestant {
  let runs = 0;
  return {
    name,
    async run(record) {
      log.push(name);
      record({ name: "load", unit: "s", value: ++runs });
      if (runs === failsInRound) throw new Error(`${name} broke`);
      record({ name: "speed", unit: "tok/s", value: runs * 10 });
    },
  };
}

describe("compete", () => {
  it("lets contestants take turns", async () => {
    const log: string[] = [];
    const entries = await compete([counting("a", log), counting("b", log)], 2, () => {});
    expect(log).toEqual(["a", "b", "a", "b"]);
    const measurements = [
      { name: "load", unit: "s", values: [1, 2] },
      { name: "speed", unit: "tok/s", values: [10, 20] },
    ];
    expect(entries).toEqual([
      { name: "a", measurements },
      { name: "b", measurements },
    ]);
  });

  it("keeps what a contestant measured before it failed, says why, and goes on with the others", async () => {
    const log: string[] = [];
    const entries = await compete([counting("a", log, 2), counting("b", log)], 3, () => {});
    expect(log).toEqual(["a", "b", "a", "b", "b"]);
    expect(entries[0]).toEqual({
      name: "a",
      measurements: [
        { name: "load", unit: "s", values: [1, 2] },
        { name: "speed", unit: "tok/s", values: [10] },
      ],
      failure: "a broke",
    });
    expect(entries[1]?.measurements[1]?.values).toEqual([10, 20, 30]);
  });

  it("announces each run", async () => {
    const announced: string[] = [];
    await compete([counting("a", [])], 2, (name, round) => announced.push(`${name} ${round}`));
    expect(announced).toEqual(["a 1", "a 2"]);
  });
});
