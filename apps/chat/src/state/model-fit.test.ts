import { describe, expect, test } from "vitest";
import { judgeFit } from "./model-fit.ts";

const GIB = 2 ** 30;
const small = { size: 100e6, storedBytes: 0, conversation: 400e6 };
const device = { freeStorage: 2e9, memory: 4 * GIB };

describe("whether a model fits", () => {
  test("in less than half of the memory it does, and says what it takes of how much", () => {
    expect(judgeFit(small, device)).toEqual({ verdict: "fits", why: "It takes up to 500\u00a0MB of memory; this device has 4\u00a0GB." });
  });

  test.each([
    [1.6e9, "fits"],
    [1.8e9, "tight"],
    [3.2e9, "tight"],
    [3.3e9, "too large"],
  ])("%d bytes on 4 GiB are %s", (size, verdict) => {
    expect(judgeFit({ size, storedBytes: size, conversation: 0 }, device).verdict).toBe(verdict);
  });

  test("what cannot be stored is too large, whatever the memory; what is stored already is not counted", () => {
    const large = { size: 3e9, storedBytes: 0, conversation: 0 };
    expect(judgeFit(large, { freeStorage: 2e9, memory: 32 * GIB })).toEqual({
      verdict: "too large",
      why: "It needs 3\u00a0GB of storage, and the browser grants 2\u00a0GB more.",
    });
    expect(judgeFit({ ...large, storedBytes: 1.5e9 }, { freeStorage: 2e9, memory: 32 * GIB }).verdict).toBe("fits");
  });

  test("a device of which the browser says no more than “8 GB” may have more: nothing is too large for it", () => {
    const huge = { size: 12e9, storedBytes: 12e9, conversation: 0 };
    expect(judgeFit(huge, { freeStorage: 0, memory: 8 * GIB })).toMatchObject({
      verdict: "tight",
      why: expect.stringContaining("or more") as string,
    });
  });

  test("where the browser says nothing of the memory, nothing is claimed", () => {
    expect(judgeFit(small, { freeStorage: undefined, memory: undefined })).toMatchObject({ verdict: "unknown" });
  });
});
