import { describe, expect, it } from "vitest";
import type { HeadMap } from "@longtab/attention";
import { checkMemoryBudget, chooseContext } from "../src/context-choice.ts";
import type { KnownHeadMaps } from "../src/context-choice.ts";

const shape = { layers: 2, heads: 4, kvHeads: 2, headSize: 16 };
const map = (model: string): HeadMap => ({
  version: 1,
  model,
  streaming: [
    [true, false],
    [false, true],
  ],
});
const maps = (calibrated?: HeadMap, shipped?: HeadMap): KnownHeadMaps => ({
  calibrated: async () => calibrated,
  shipped: async () => shipped,
});
const never: KnownHeadMaps = {
  calibrated: () => Promise.reject(new Error("nobody asked")),
  shipped: () => Promise.reject(new Error("nobody asked")),
};

describe("what a load does with memory", () => {
  it("is the library's choice where nothing is said, with the best head map that is known", async () => {
    expect(await chooseContext(undefined, shape, maps(map("here"), map("shipped")))).toEqual({
      options: { headMap: map("here") },
      headMap: "calibrated",
    });
    expect(await chooseContext("auto", shape, maps(undefined, map("shipped")))).toEqual({
      options: { policy: "auto", headMap: map("shipped") },
      headMap: "shipped",
    });
    expect(await chooseContext({ policy: "duo", sinks: 16 }, shape, maps())).toEqual({
      options: { policy: "duo", sinks: 16 },
      headMap: "missing",
    });
  });

  it("looks for no head map where all heads are alike", async () => {
    for (const policy of ["dense", "streaming", "quest", "far"] as const)
      expect(await chooseContext(policy, shape, never)).toEqual({ options: { policy }, headMap: "unused" });
  });

  it("has the precision of layers from the map that says it, where precision is mixed", async () => {
    const shipped: HeadMap = { ...map("shipped"), precision: ["kv8", "kv4"] };
    expect(await chooseContext({ policy: "duo", kv: "mixed" }, shape, maps(map("here"), shipped))).toEqual({
      options: { policy: "duo", kv: "mixed", headMap: { ...map("here"), precision: ["kv8", "kv4"] } },
      headMap: "calibrated",
    });
    expect(await chooseContext({ policy: "quest", kv: "mixed" }, shape, maps(undefined, shipped))).toEqual({
      options: { policy: "quest", kv: "mixed", headMap: shipped },
      headMap: "unused",
    });
    expect(await chooseContext({ policy: "quest", kv: "mixed" }, shape, maps())).toEqual({
      options: { policy: "quest", kv: "mixed" },
      headMap: "unused",
    });
  });

  it("takes the head map that is given, and refuses one of another model", async () => {
    const given = { policy: "duo" as const, headMap: map("given") };
    expect(await chooseContext(given, shape, never)).toEqual({ options: given, headMap: "given" });
    await expect(chooseContext(given, { ...shape, layers: 3 }, never)).rejects.toMatchObject({
      code: "invalid-option",
      value: 2,
      limit: 3,
    });
  });
});

describe("a budget", () => {
  it.each([0, -1, 65_535, 1.5e6 + 0.5, Number.NaN, Number.POSITIVE_INFINITY, "9e9"])("of %s is refused with its limit", (bytes) => {
    expect(() => checkMemoryBudget(bytes as number)).toThrow(
      expect.objectContaining({ code: "invalid-option", value: String(bytes), limit: "at least 65536" }),
    );
  });

  it("may be any number of bytes that holds something, or left out", () => {
    expect(() => [undefined, 65_536, 2 ** 40].forEach(checkMemoryBudget)).not.toThrow();
  });
});
