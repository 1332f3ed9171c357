import { createRandom } from "@longtab/formats/testing";
import { describe, expect, test } from "vitest";
import { parseHeadMap, streamingShare } from "../src/head-map.ts";
import { shippedHeadMap } from "../src/index.ts";

const shape = { layers: 2, kvHeads: 3 };
const map = {
  version: 1,
  model: "tiny",
  streaming: [
    [true, false, false],
    [false, true, true],
  ],
  scores: [
    [0, 1, 2.5],
    [3, 0.25, 1e-9],
  ],
  precision: ["kv8", "kv4"],
  method: "output deviation",
};

describe("a head map", () => {
  test("is what was written", () => {
    expect(parseHeadMap(JSON.parse(JSON.stringify(map)), shape)).toEqual(map);
    expect(streamingShare(parseHeadMap(map, shape))).toBe(0.5);
  });

  test("needs neither scores nor precision", () => {
    const { scores: _, precision: __, ...plain } = map;
    expect(parseHeadMap(plain, shape)).toEqual(plain);
  });

  test.each([
    [null, "The head map is of a version that is not known (found undefined, limit 1)."],
    [[], "The head map is of a version that is not known (found undefined, limit 1)."],
    ["{}", "The head map is of a version that is not known (found undefined, limit 1)."],
    [{ ...map, version: 2 }, "The head map is of a version that is not known (found 2, limit 1)."],
    [{ ...map, version: "1" }, "The head map is of a version that is not known (found 1, limit 1)."],
    [{ ...map, model: 7 }, "The head map does not name its model (found number)."],
    [{ ...map, streaming: undefined }, "The head map's streaming has another number of layers than the model (found undefined, limit 2)."],
    [{ ...map, streaming: { length: 2 } }, "The head map's streaming has another number of layers than the model (found object, limit 2)."],
    [
      { ...map, streaming: [[true, false, false]] },
      "The head map's streaming has another number of layers than the model (found 1, limit 2).",
    ],
    [
      { ...map, streaming: [[true, false, false], [true]] },
      "The head map's streaming has another number of KV heads than the model (found 1, limit 3).",
    ],
    [
      { ...map, streaming: [[true, false, false], "abc"] },
      "The head map's streaming has another number of KV heads than the model (found string, limit 3).",
    ],
    [
      { ...map, streaming: [[true, false, false], null] },
      "The head map's streaming has another number of KV heads than the model (found object, limit 3).",
    ],
    [
      {
        ...map,
        streaming: [
          [true, false, 1],
          [true, true, true],
        ],
      },
      "The head map's streaming has a cell that is not a boolean (found 1).",
    ],
    [
      {
        ...map,
        streaming: [
          [true, false, undefined],
          [true, true, true],
        ],
      },
      "The head map's streaming has a cell that is not a boolean.",
    ],
    [
      {
        ...map,
        scores: [
          [0, 1, NaN],
          [1, 2, 3],
        ],
      },
      "The head map's scores has a cell that is not a number (found null).",
    ],
    [
      {
        ...map,
        scores: [
          [0, 1, "2"],
          [1, 2, 3],
        ],
      },
      'The head map\'s scores has a cell that is not a number (found "2").',
    ],
    [{ ...map, scores: "none" }, "The head map's scores has another number of layers than the model (found string, limit 2)."],
    [{ ...map, precision: ["kv8"] }, "The head map's precision has another number of layers than the model (found 1, limit 2)."],
    [{ ...map, precision: "kv8" }, "The head map's precision has another number of layers than the model (found string, limit 2)."],
    [{ ...map, precision: null }, "The head map's precision has another number of layers than the model (found object, limit 2)."],
    [{ ...map, precision: ["kv8", "f16"] }, 'The head map\'s precision has a cell that is not a kv8 or k8v4 or kv4 (found "f16").'],
    [{ ...map, precision: ["kv8", 4] }, "The head map's precision has a cell that is not a kv8 or k8v4 or kv4 (found 4)."],
    [{ ...map, precision: [undefined, "kv4"] }, "The head map's precision has a cell that is not a kv8 or k8v4 or kv4."],
  ])("is refused where it is not one: %j", (value, message) => {
    expect(() => parseHeadMap(value, shape)).toThrow(message);
    expect(() => parseHeadMap(value, shape)).toThrow(expect.objectContaining({ code: "invalid-option" }));
  });

  test("is refused where the model has more heads than any has", () => {
    expect(() => parseHeadMap(map, { layers: 1000, kvHeads: 1000 })).toThrow("The model has more heads than a head map may have");
  });

  test("that comes with Longtab is one, and no other model's", async () => {
    const name = "Smollm2 135M 8k Lc100K Mix1 Ep2";
    const heads = { layers: 30, kvHeads: 3 };
    const shipped = await shippedHeadMap(name, heads);
    expect(parseHeadMap(shipped, heads).precision).toHaveLength(30);
    expect(await shippedHeadMap(name, { layers: 30, kvHeads: 4 })).toBeUndefined();
    expect(await shippedHeadMap(name, { layers: 29, kvHeads: 3 })).toBeUndefined();
    expect(await shippedHeadMap("another", heads)).toBeUndefined();
  });

  test("of random JSON is refused or whole", () => {
    const random = createRandom(5);
    const values: (() => unknown)[] = [
      () => null,
      () => random.next() < 0.5,
      () => random.integer(3),
      () => "true",
      () => [],
      () => ({}),
      () => [
        [true, true, true],
        [true, true, false],
      ],
    ];
    let parsed = 0;
    for (let round = 0; round < 2000; round++) {
      const copy: Record<string, unknown> = structuredClone(map);
      const key = random.pick(Object.keys(copy));
      copy[key] = random.pick(values)();
      const result = attempt(() => parseHeadMap(copy, shape));
      if (!result) continue;
      parsed++;
      const cells = result.streaming.flat();
      const { precision = ["kv8", "kv8"] } = result;
      if (precision.length !== 2 || precision.some((name) => name !== "kv8" && name !== "kv4")) throw new Error(JSON.stringify(copy));
      if (cells.length !== 6 || cells.some((cell) => typeof cell !== "boolean")) throw new Error(JSON.stringify(copy));
    }
    expect(parsed).toBeGreaterThan(0);
    expect(parsed).toBeLessThan(2000);
  });
});

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
