import { isLongtabError } from "@longtab/errors";
import { describe, expect, it } from "vitest";
import { defaultSampling, validateSampling } from "./options.ts";
import type { SamplingOptions } from "./options.ts";

describe("validateSampling", () => {
  it("fills in the defaults", () => {
    expect(validateSampling({ seed: 5 })).toEqual({ ...defaultSampling, seed: 5 });
    expect(defaultSampling).toEqual({ temperature: 0.7, topK: 40, topP: 0.95, minP: 0, repetitionPenalty: 1, penaltyWindow: 64 });
  });

  it("takes undefined and null for the default", () => {
    expect(validateSampling({ temperature: undefined, topK: null, seed: 1 })).toEqual({ ...defaultSampling, seed: 1 });
  });

  it("draws a 32-bit seed where none is given", () => {
    const seeds = Array.from({ length: 8 }, () => validateSampling().seed);
    expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)).toBe(true);
    expect(new Set(seeds).size).toBeGreaterThan(1);
  });

  it("keeps every value at the ends of its range", () => {
    const least = { temperature: 0, topK: 0, topP: 0, minP: 0, repetitionPenalty: 0.01, penaltyWindow: 0, seed: 0 };
    const most = {
      temperature: 100,
      topK: 2 ** 32 - 1,
      topP: 1,
      minP: 1,
      repetitionPenalty: 100,
      penaltyWindow: 2 ** 32 - 1,
      seed: 2 ** 32 - 1,
    };
    expect(validateSampling(least)).toEqual(least);
    expect(validateSampling(most)).toEqual(most);
  });

  it("leaves fields of other names alone", () => {
    expect(validateSampling({ seed: 1, stop: ["x"] } as SamplingOptions)).toEqual({ ...defaultSampling, seed: 1 });
  });

  const refused: [keyof SamplingOptions, unknown[]][] = [
    ["temperature", [NaN, -0.1, Infinity, 1e-7, 100.5, "0.7", true, {}]],
    ["topK", [NaN, -1, 1.5, 2 ** 32, Infinity, "40", [40]]],
    ["topP", [NaN, -0.01, 1.01, Infinity, "0.9", false]],
    ["minP", [NaN, -0.01, 1.01, -Infinity, "0"]],
    ["repetitionPenalty", [NaN, 0, -1, 101, Infinity, "1.1"]],
    ["penaltyWindow", [NaN, -1, 0.5, 2 ** 32, Infinity, 64n]],
    ["seed", [NaN, -1, 0.5, 2 ** 32, "1"]],
  ];
  it.each(refused.flatMap(([name, values]) => values.map((value) => [name, value] as const)))("refuses %s of %o", (name, value) => {
    const error = thrown(() => validateSampling({ [name]: value }));
    expect(isLongtabError(error) && error.code).toBe("invalid-option");
    expect(String(error)).toContain(name);
  });

  it("says what was found, the range and the remedy", () => {
    expect(String(thrown(() => validateSampling({ topP: 1.5 })))).toMatchInlineSnapshot(
      `"LongtabError: The sampling option topP is out of its range (found 1.5, limit a number from 0 to 1). Leave it out for the default."`,
    );
    expect(String(thrown(() => validateSampling({ temperature: -1 })))).toMatchInlineSnapshot(
      `"LongtabError: The sampling option temperature is out of its range (found -1, limit a number from 0.000001 to 100, or 0). Leave it out for the default."`,
    );
    expect(String(thrown(() => validateSampling({ topK: "many" } as unknown as SamplingOptions)))).toMatchInlineSnapshot(
      `"LongtabError: The sampling option topK is out of its range (found "many", limit an integer from 0 to 4294967295). Leave it out for the default."`,
    );
  });

  it("names the option as it was written", () => {
    expect(String(thrown(() => validateSampling({ minP: 2 }, (name) => (name === "minP" ? "min_p" : name))))).toContain(
      "The sampling option min_p is out of its range (found 2, limit a number from 0 to 1).",
    );
  });
});

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown");
}
