import { describe, expect, it } from "vitest";
import type { Entry } from "./contest.ts";
import { printContest, timesBetter } from "./print-contest.ts";

const own: Entry = {
  name: "Longtab",
  measurements: [
    { name: "load", unit: "s", values: [2, 3, 4] },
    { name: "decode", unit: "tok/s", values: [10, 12, 11] },
    { name: "dispatches", unit: "per token", values: [305, 305, 305] },
  ],
};

describe("timesBetter", () => {
  it("is above 1 for the faster, the shorter and the smaller", () => {
    expect(timesBetter("tok/s", [6], [2])).toBe(3);
    expect(timesBetter("s", [2], [6])).toBe(3);
    expect(timesBetter("MB", [2], [6])).toBe(3);
  });
});

describe("printContest", () => {
  it("compares what both measured, then lists what is Longtab's alone", () => {
    const peer: Entry = {
      name: "peer",
      measurements: [
        { name: "load", unit: "s", values: [1, 1, 1] },
        { name: "decode", unit: "tok/s", values: [5, 4] },
      ],
      failure: "it stalled",
    };
    expect(printContest([own, peer])).toMatchInlineSnapshot(`
      "                  Longtab        peer  Longtab is
      load    s      3.00 (67%)   1.00 (0%)      0.333x
      decode  tok/s  11.0 (18%)  4.50 (22%)       2.50x

                              Longtab
      dispatches  per token  305 (0%)

      peer stopped: it stalled"
    `);
  });

  it("prints one column when there is nobody to compare with, and says why", () => {
    expect(printContest([own, { name: "peer", measurements: [], failure: "not installed" }])).toMatchInlineSnapshot(`
      "                          Longtab
      load        s          3.00 (67%)
      decode      tok/s      11.0 (18%)
      dispatches  per token    305 (0%)

      peer not measured: not installed"
    `);
  });

  it("says why when Longtab itself could not be measured", () => {
    expect(printContest([{ name: "Longtab", measurements: [], failure: "no adapter" }])).toBe("Longtab not measured: no adapter");
  });
});
