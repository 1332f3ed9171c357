import { describe, expect, it } from "vitest";
import { PhaseTimes } from "./phase-times.ts";

describe("PhaseTimes", () => {
  it("ends a phase where the next begins and adds up one that comes again", () => {
    let now = 0;
    const times = new PhaseTimes(() => now);
    for (const [at, phase] of [
      [1000, "upload"],
      [1500, "upload"],
      [3000, "shaders"],
      [3500, "upload"],
    ] as const) {
      now = at;
      times.enter(phase);
    }
    now = 4500;
    times.end();
    now = 9000;
    times.end();
    expect(times.seconds("upload")).toBe(3);
    expect(times.seconds("shaders")).toBe(0.5);
    expect(times.seconds("download")).toBe(0);
  });
});
