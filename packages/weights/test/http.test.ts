import { expect, test } from "vitest";
import { parseContentRange, shownUrl } from "../src/http.ts";

test("a Content-Range tells the first byte and the size", () => {
  expect(parseContentRange("bytes 0-99/1000")).toEqual({ first: 0, total: 1000 });
  expect(parseContentRange(" bytes 500-999/1000 ")).toEqual({ first: 500, total: 1000 });
  expect(parseContentRange("bytes 500-999/*")).toEqual({ first: 500, total: undefined });
});

test.each([
  null,
  "",
  "bytes",
  "bytes */1000",
  "bytes 0-99",
  "items 0-99/1000",
  "bytes -1-99/1000",
  "bytes 0-99/1e3",
  "bytes 9007199254740993-9/9",
  "bytes 0-1/99999999999999999",
])("%j tells nothing", (header) => {
  expect(parseContentRange(header)).toBeUndefined();
});

test("a URL is shown without its query, which may hold a token", () => {
  expect(shownUrl("https://cdn.example.org/file.gguf?Signature=secret#x")).toBe("https://cdn.example.org/file.gguf");
});
