import { describe, expect, it } from "vitest";
import { gather, valuesOf } from "./figures.ts";

describe("gather", () => {
  const speed = (value: number) => ({ name: "speed", unit: "tok/s" as const, value });
  const load = (value: number) => ({ name: "load", unit: "s" as const, value });

  it("joins the runs' values by name, in the order of the first run", () => {
    expect(
      gather([
        [load(3), speed(10)],
        [speed(12), load(2)],
      ]),
    ).toEqual([
      { name: "load", unit: "s", values: [3, 2] },
      { name: "speed", unit: "tok/s", values: [10, 12] },
    ]);
  });

  it("keeps figures that only some runs have", () => {
    const measurements = gather([[load(3)], [load(2), speed(12)]]);
    expect(valuesOf(measurements, "speed")).toEqual([12]);
    expect(valuesOf(measurements, "memory")).toEqual([]);
  });

  it("makes nothing of no runs", () => {
    expect(gather([])).toEqual([]);
  });
});
