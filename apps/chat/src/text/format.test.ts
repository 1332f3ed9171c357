import { describe, expect, test } from "vitest";
import {
  formatBytes,
  formatBytesOf,
  formatDuration,
  formatParameters,
  formatShort,
  formatSpeed,
  formatTimeLeft,
  formatTokens,
  formatWords,
} from "./format.ts";

/** A no-break space stands between a figure and its unit. */
const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("bytes", () => {
  test.each([
    [0, "0 bytes"],
    [999, "999 bytes"],
    [1000, "1 kB"],
    [999_499, "999 kB"],
    [999_500, "1 MB"],
    [98_362_432, "98 MB"],
    [1_240_000_000, "1.2 GB"],
    [9_960_000_000, "10 GB"],
    [2e12, "2 TB"],
    [5e15, "5000 TB"],
  ])("%d is written %s", (bytes, text) => {
    expect(plain(formatBytes(bytes))).toBe(text);
  });

  test("a part is written in the unit of the whole where they share it", () => {
    expect(plain(formatBytesOf(40_100_000, 98_362_432))).toBe("40 of 98 MB");
    expect(plain(formatBytesOf(400_000, 98_362_432))).toBe("400 kB of 98 MB");
  });

  test("more than the whole is never said to be there", () => {
    expect(plain(formatBytesOf(99e6, 98e6))).toBe("98 of 98 MB");
  });
});

describe("time", () => {
  test.each([
    [0.4, "a moment"],
    [2.1, "about 3 s"],
    [11, "about 15 s"],
    [54, "about 55 s"],
    [56, "about 1 min"],
    [61, "about 2 min"],
    [4000, "about 2 h"],
  ])("%d seconds left are %s", (seconds, text) => {
    expect(formatTimeLeft(seconds)).toBe(text);
  });

  test.each([
    [0.04, "0.0 s"],
    [9.96, "10 s"],
    [59.6, "1 min"],
    [125, "2 min 5 s"],
  ])("a duration of %d seconds is %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

test("speeds keep two figures", () => {
  expect([0.123, 0.999, 1.45, 9.96, 48.3, 1234].map(formatSpeed)).toEqual(["0.12", "1.0", "1.4", "10", "48", "1,234"]);
});

test("parameters are counted in millions and billions", () => {
  expect([134_515_008, 999_600_000, 1_100_000_000, 7e9, 13e9].map(formatParameters)).toEqual(["135M", "1B", "1.1B", "7B", "13B"]);
});

test("one token is a token", () => {
  expect([1, 2, 8192].map(formatTokens)).toEqual(["1 token", "2 tokens", "8,192 tokens"]);
});

describe("counts for a glance", () => {
  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1k"],
    [1250, "1.3k"],
    [65_536, "66k"],
    [999_499, "999k"],
    [999_500, "1M"],
    [12_300_000, "12M"],
  ])("%d is written %s", (count, text) => expect(formatShort(count)).toBe(text));

  test.each([
    [8192, "6,100 words"],
    [65_536, "49,000 words"],
    [10, "8 words"],
    [0, "0 words"],
  ])("%d tokens are about %s", (tokens, text) => expect(formatWords(tokens)).toBe(text));
});
