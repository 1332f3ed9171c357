import { describe, expect, test } from "vitest";
import { rotationTable } from "../src/index.ts";
import type { RotarySpec } from "../src/index.ts";

const smollm: RotarySpec = { headSize: 64, rotaryDimensions: 64, base: 100_000, linearFactor: 1 };
const positions = [0, 1, 17, 8191, 100_000, 4_000_000];

/** The nearest f32 to the cos and sin of an angle in f64, which is what the table must hold. */
function expectTable(spec: RotarySpec, angle: (position: number, pair: number) => number): void {
  const table = rotationTable(spec, positions);
  expect(table).toHaveLength(positions.length * spec.headSize);
  const expected = positions.flatMap((position) =>
    Array.from({ length: spec.headSize / 2 }, (_, pair) => angle(position, pair)).flatMap((radians) => [
      Math.fround(Math.cos(radians)),
      Math.fround(Math.sin(radians)),
    ]),
  );
  // Powers and quotients of f64 in another order differ by 1e-15 of an angle of up to 4e6.
  const largest = expected.reduce((most, value, index) => Math.max(most, Math.abs(value - (table[index] ?? NaN))), 0);
  expect(largest).toBeLessThan(1e-7);
}

describe("rotationTable", () => {
  test("holds cos and sin of position * base^(-2i / d), at positions up to four million", () => {
    expectTable(smollm, (position, pair) => position / 100_000 ** ((2 * pair) / 64));
  });

  test("is exact where an f32 angle would be wrong by hundredths", () => {
    const inF32 = Math.cos(Math.fround(Math.fround(4_000_001) * Math.fround(100_000 ** (-2 / 64))));
    const inF64 = Math.cos(4_000_001 * 100_000 ** (-2 / 64));
    expect(Math.abs(inF32 - inF64)).toBeGreaterThan(1e-2);
    expect(rotationTable(smollm, [4_000_001])[2]).toBe(Math.fround(inF64));
  });

  test("does not turn at position 0", () => {
    expect(Array.from(rotationTable(smollm, [0]))).toEqual(Array.from({ length: 32 }, () => [1, 0]).flat());
  });

  test("divides positions by a linear factor", () => {
    expectTable({ ...smollm, linearFactor: 4 }, (position, pair) => position / 4 / 100_000 ** ((2 * pair) / 64));
  });

  test("leaves channels beyond the rotating ones still", () => {
    expectTable({ headSize: 80, rotaryDimensions: 32, base: 10_000, linearFactor: 1 }, (position, pair) =>
      pair < 16 ? position / 10_000 ** ((2 * pair) / 32) : 0,
    );
  });

  test("divides each pair's frequency by its factor", () => {
    const frequencyFactors = Float32Array.from({ length: 32 }, (_, pair) => 1 + pair / 4);
    expectTable({ ...smollm, frequencyFactors }, (position, pair) => position / 100_000 ** ((2 * pair) / 64) / (1 + pair / 4));
  });

  test("is empty for no position", () => {
    expect(rotationTable(smollm, [])).toHaveLength(0);
  });
});
