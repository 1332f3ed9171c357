import { describe, expect, it } from "vitest";
import { metadataToJson, readBoolean, readInteger, readNumber, readNumbers, readOptional, readString, readStrings } from "../src/index.ts";
import type { Metadata, MetadataReader } from "../src/index.ts";

const METADATA: Metadata = new Map<string, Metadata extends ReadonlyMap<string, infer V> ? V : never>([
  ["count", 30],
  ["negative", -1],
  ["epsilon", 1e-5],
  ["nan", NaN],
  ["huge", 2n ** 63n],
  ["flag", true],
  ["name", "Tiny"],
  ["tokens", ["a", "b"]],
  ["types", Int32Array.of(1, 3)],
  ["wide", BigUint64Array.of(1n, 2n)],
  ["too wide", BigUint64Array.of(2n ** 53n)],
  ["nested", [Uint8Array.of(1), Uint8Array.of(2, 3)]],
]);

describe("reading metadata", () => {
  it("gives values of the type asked for", () => {
    expect(readInteger(METADATA, "count")).toBe(30);
    expect(readNumber(METADATA, "epsilon")).toBe(1e-5);
    expect(readNumber(METADATA, "negative")).toBe(-1);
    expect(readBoolean(METADATA, "flag")).toBe(true);
    expect(readString(METADATA, "name")).toBe("Tiny");
    expect(readStrings(METADATA, "tokens")).toEqual(["a", "b"]);
    expect(readNumbers(METADATA, "types")).toEqual([1, 3]);
    expect(readNumbers(METADATA, "wide")).toEqual([1, 2]);
  });

  it("gives undefined for an optional key that is missing, and refuses one of another type", () => {
    expect(readOptional(METADATA, "missing", readString)).toBeUndefined();
    expect(readOptional(METADATA, "name", readString)).toBe("Tiny");
    expect(() => readOptional(METADATA, "count", readString)).toThrow("count should hold a string");
  });

  it("says which key is missing", () => {
    expect(() => readString(METADATA, "general.architecture")).toThrowErrorMatchingInlineSnapshot(
      `[LongtabError: The file does not have the metadata key general.architecture. Use another file of the model.]`,
    );
  });

  it.each<[string, MetadataReader<unknown>, string]>([
    ["name", readNumber, "a number"],
    ["nan", readNumber, "a number"],
    ["huge", readNumber, "a number"],
    ["negative", readInteger, "a whole number"],
    ["epsilon", readInteger, "a whole number"],
    ["huge", readInteger, "a whole number"],
    ["count", readBoolean, "true or false"],
    ["tokens", readString, "a string"],
    ["types", readStrings, "an array of strings"],
    ["name", readStrings, "an array of strings"],
    ["nested", readStrings, "an array of strings"],
    ["tokens", readNumbers, "an array of numbers"],
    ["too wide", readNumbers, "an array of numbers"],
    ["count", readNumbers, "an array of numbers"],
  ])("refuses %s for %o", (key, read, wanted) => {
    expect(() => read(METADATA, key)).toThrow(`The metadata key ${key} should hold ${wanted} (found `);
  });
});

describe("metadataToJson", () => {
  it("makes everything JSON, long arrays by their length and first elements", () => {
    const json = metadataToJson(METADATA, { maxArray: 1 });
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(json).toMatchInlineSnapshot(`
      {
        "count": 30,
        "epsilon": 0.00001,
        "flag": true,
        "huge": "9223372036854775808",
        "name": "Tiny",
        "nan": "NaN",
        "negative": -1,
        "nested": {
          "first": [
            [
              1,
            ],
          ],
          "length": 2,
        },
        "tokens": {
          "first": [
            "a",
          ],
          "length": 2,
        },
        "too wide": [
          "9007199254740992",
        ],
        "types": {
          "first": [
            1,
          ],
          "length": 2,
        },
        "wide": {
          "first": [
            1,
          ],
          "length": 2,
        },
      }
    `);
  });
});
