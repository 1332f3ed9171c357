import { describe, expect, it } from "vitest";
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "../src/index.ts";
import { createRandom } from "../src/testing/index.ts";

const ALL_BITS = Array.from({ length: 65_536 }, (_, bits) => bits);
/** Finite binary16 from 0 up: consecutive bits are consecutive values. */
const UP_TO_LARGEST = ALL_BITS.slice(0, 0x7c00);

/** The step of bfloat16 at a value. */
function ulp(value: number): number {
  return 2 ** (Math.floor(Math.log2(Math.abs(value))) - 7);
}

describe("f16", () => {
  it("has the values that the standard gives the landmarks", () => {
    const landmarks = [0x0000, 0x0001, 0x03ff, 0x0400, 0x3555, 0x3c00, 0x7bff, 0x7c00, 0xfc00, 0xc000, 0x7e00];
    const values = [0, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 0.333251953125, 1, 65504, Infinity, -Infinity, -2, NaN];
    expect(landmarks.map((bits) => f16ToF32(bits))).toEqual(values);
    expect(f16ToF32(0x8000)).toBe(-0);
  });

  it("comes back from f32 with the same bits, all 63,488 that are not NaN", () => {
    const wrong = ALL_BITS.filter((bits) => !Number.isNaN(f16ToF32(bits)) && f32ToF16(f16ToF32(bits)) !== bits);
    expect(wrong).toEqual([]);
  });

  it("keeps NaN as NaN", () => {
    const nans = ALL_BITS.filter((bits) => Number.isNaN(f16ToF32(bits)));
    expect(nans).toHaveLength(2046);
    expect(nans.every((bits) => Number.isNaN(f16ToF32(f32ToF16(f16ToF32(bits)))))).toBe(true);
  });

  it("rounds to nearest and ties to even between every two neighbours", () => {
    const wrong = UP_TO_LARGEST.slice(0, -1).filter((bits) => {
      const low = f16ToF32(bits);
      const middle = (low + f16ToF32(bits + 1)) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      return f32ToF16(middle) !== even || f32ToF16(middle * (1 - 2 ** -23)) !== bits || f32ToF16(middle * (1 + 2 ** -23)) !== bits + 1;
    });
    expect(wrong).toEqual([]);
  });

  it("overflows to infinity from 65,520 on, half a step above the largest", () => {
    expect([65519.99, 65520, 1e38, -65520, -Infinity].map((value) => f32ToF16(value))).toEqual([0x7bff, 0x7c00, 0x7c00, 0xfc00, 0xfc00]);
  });
});

describe("bf16", () => {
  it("is the upper half of an f32", () => {
    const float = new Float32Array(1);
    const halves = new Uint16Array(float.buffer);
    const wrong = ALL_BITS.filter((bits) => {
      halves.set([0, bits]);
      return !Object.is(bf16ToF32(bits), float[0]);
    });
    expect(wrong).toEqual([]);
  });

  it("rounds an f32 to the nearest, ties to even, NaN to NaN", () => {
    const values = createRandom(1).normals(2000);
    expect([...values].every((value) => Math.abs(bf16ToF32(f32ToBf16(value)) - value) <= ulp(value) / 2)).toBe(true);
    expect([1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, -Infinity].map((value) => f32ToBf16(value))).toEqual([0x3f80, 0x3f82, 0x7f80, 0xff80]);
    expect(bf16ToF32(f32ToBf16(NaN))).toBeNaN();
  });
});
