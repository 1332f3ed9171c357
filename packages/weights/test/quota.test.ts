import { expect, test } from "vitest";
import { megabytes, quotaExceeded } from "../src/quota.ts";

test("bytes are told in decimal megabytes", () => {
  expect([0, 49_999, 98_362_432, 64 * 2 ** 30, Infinity].map(megabytes)).toEqual([
    "0.0 MB",
    "0.0 MB",
    "98.4 MB",
    "68719.5 MB",
    "unlimited",
  ]);
});

test("a full disk is explained with the bytes needed and free", () => {
  expect(quotaExceeded("model.gguf", 98_362_432, 12_000_000).message).toBe(
    "The browser has no room to store model.gguf (found 98.4 MB to store, limit 12.0 MB free). " +
      "Delete a stored model or free disk space, then load again: what is stored already is kept.",
  );
});

test("free bytes that the browser refused all the same are not told", () => {
  expect(quotaExceeded("model.gguf", 98_362_432, 10_000_000_000).message).toContain("(found 98.4 MB to store).");
});
