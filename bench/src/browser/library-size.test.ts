import { expect, it } from "vitest";
import { readSum } from "./library-size.ts";

it("reads the sum of the library's files", () => {
  expect(readSum("    60.1 KB  assets/worker.js\n    15.6 KB  index.js\n    75.7 KB  in sum, gzip (limit 80.0)\n")).toBe(75.7);
});

it("says so when there is no sum", () => {
  expect(() => readSum("    60.1 KB  assets/worker.js\n")).toThrow("printed no sum");
});
