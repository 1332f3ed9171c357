import { createRandom } from "@longtab/formats/testing";
import { describe, expect, test } from "vitest";
import { createPolicy, dense, kvPrecisionOf, layerPrecisions, pageTokens, policyNames, selectedCapacity } from "../src/index.ts";
import type { ContextOptions, HeadMap, Policy } from "../src/index.ts";

const model = { trained: 8192, keeps: 32_768 };
const headMap: HeadMap = { version: 1, model: "tiny", streaming: [[true, false]] };

describe("the policy of a context", () => {
  test("is automatic where nothing is chosen: dense at first, then selecting heads, and far ones past the trained window", () => {
    const policy = createPolicy({}, model);
    expect(policy).toMatchObject({ name: "auto", endless: true, denseUntil: 1024 });
    expect(policy.rule(0, 0)).toMatchObject({ sinks: 16, recent: 2048, from: 8192, keeps: 32_768, selects: true });
    expect(policy.selection).toMatchObject({
      runs: (512 - 16 - 64) / 4,
      runTokens: 4,
      from: 1024,
      farStart: 8192,
      farFrom: 2048,
      farDistance: 2048,
    });
    expect(createPolicy({ headMap }, model).rule(0, 0)).toMatchObject({ sinks: 16, recent: 256, from: 1024, keeps: 256, selects: false });
  });

  test("that is dense ends with the trained window and is the same for every model", () => {
    expect(createPolicy({ policy: "dense" }, model)).toBe(dense);
    expect(dense).toMatchObject({ endless: false, denseUntil: Infinity, selection: undefined });
  });

  test("streams with the sinks and recents that are told, or with what the budget leaves, in whole pages", () => {
    const rule = (options: ContextOptions): object => createPolicy({ policy: "streaming", ...options }, model).rule(0, 0);
    expect(rule({})).toMatchObject({ sinks: 4, recent: 2048, from: 0, keeps: 2048, selects: false });
    expect(rule({ sinks: 0, recent: 508 })).toMatchObject({ sinks: 0, recent: 512 });
    expect(rule({ budget: 512 })).toMatchObject({ sinks: 4, recent: 512 });
    expect(rule({ budget: 100, recent: 20 })).toMatchObject({ recent: 32 });
  });

  test("streams in the heads of the map alone", () => {
    for (const policy of ["duo", "duo+quest"] as const) {
      const created = createPolicy({ policy, headMap, sinks: 4, recent: 100 }, model);
      expect(created.name).toBe(policy);
      expect(created.rule(0, 0)).toMatchObject({ sinks: 4, recent: 112, from: 0, keeps: 112, selects: false });
      expect(created.rule(0, 1)).toMatchObject({ from: 8192, selects: policy === "duo+quest" });
    }
  });

  test("is quest where the map is missing that its name asks for", () => {
    for (const policy of ["duo", "duo+quest"] as const) {
      const created = createPolicy({ policy }, model);
      expect(created.name).toBe("quest");
      expect(created.rule(0, 0)).toMatchObject({ selects: true });
    }
  });

  test.each([
    // A list has room for 512 runs at least, for the budgets of others.
    [{ budget: 512 }, 108, 512],
    [{ budget: 512, runTokens: 16 }, 27, 512],
    [{ budget: 1024, sinks: 20, recent: 128 }, (1024 - 32 - 128) / 4, 512],
    [{ budget: 4096, sinks: 20, recent: 128 }, (4096 - 32 - 128) / 4, 4 * 2 + (4096 - 160) / 4 + 4 * 8],
    [{ budget: 84 }, 1, 512],
  ] as const)("selects what the budget leaves beside sinks and recents: %o", (options, runs, capacity) => {
    const { selection } = createPolicy({ policy: "quest", ...options }, model);
    expect(selection).toMatchObject({ runs });
    expect(selection && selectedCapacity(selection)).toBe(capacity);
  });

  test("keeps less where memory has less room", () => {
    for (const policy of policyNames.filter((name) => name !== "dense" && name !== "streaming")) {
      const { keeps, from } = createPolicy({ policy }, { trained: 8192, keeps: 1024 }).rule(0, 0);
      expect(keeps).toBeLessThanOrEqual(1024);
      expect(from).toBeLessThanOrEqual(1024);
    }
  });

  test("quantises to 8 bits unless it is told otherwise or dense", () => {
    expect(
      [{}, { policy: "quest" }, { policy: "dense" }, { kv: "f16" }, { policy: "dense", kv: "kv4" }].map((options) =>
        kvPrecisionOf(options as ContextOptions),
      ),
    ).toEqual(["kv8", "kv8", "f16", "f16", "kv4"]);
  });

  test("stores each layer as the head map says where precision is mixed, and in 8 bits where none does", () => {
    const bare: HeadMap = { version: 1, model: "tiny", streaming: [[true], [false], [false]] };
    const mapped: HeadMap = { ...bare, precision: ["kv8", "kv4", "k8v4"] };
    expect(kvPrecisionOf({ kv: "mixed", headMap: mapped })).toBe("mixed");
    expect(layerPrecisions({ policy: "dense", kv: "mixed", headMap: mapped }, 3)).toEqual(["kv8", "kv4", "k8v4"]);
    for (const options of [{ kv: "mixed" }, { kv: "mixed", headMap: bare, policy: "dense" }, { headMap: mapped }] as const) {
      expect(kvPrecisionOf(options)).toBe("kv8");
      expect(layerPrecisions(options, 3)).toEqual(["kv8", "kv8", "kv8"]);
    }
  });
});

describe("a context is refused", () => {
  const refused = (options: unknown): unknown => {
    try {
      return createPolicy(options as ContextOptions, model);
    } catch (error) {
      return (error as Error).message;
    }
  };

  test.each([
    [
      { policy: "sparse" },
      "There is no such context policy (found sparse, limit dense, streaming, duo, quest, duo+quest, far, auto). Choose one of these, or leave it out.",
    ],
    [
      { policy: "" },
      "There is no such context policy (found , limit dense, streaming, duo, quest, duo+quest, far, auto). Choose one of these, or leave it out.",
    ],
    [
      { kv: "kv2" },
      "There is no such precision of keys and values (found kv2, limit f16, kv8, k8v4, kv4, mixed). Choose one of these, or leave it out.",
    ],
    [{ runTokens: 5 }, "There is no such length of a run (found 5, limit 4, 8, 16). Choose one of these, or leave it out."],
    [{ budget: 0 }, "The budget must be a whole number of tokens (found 0, limit 1 to 16777216). Leave it out for the default."],
    [{ budget: 1e9 }, "The budget must be a whole number of tokens (found 1000000000, limit 1 to 16777216). Leave it out for the default."],
    [{ budget: 512.5 }, "The budget must be a whole number of tokens (found 512.5, limit 1 to 16777216). Leave it out for the default."],
    [{ budget: NaN }, "The budget must be a whole number of tokens (found NaN, limit 1 to 16777216). Leave it out for the default."],
    [{ budget: "512" }, "The budget must be a whole number of tokens (found 512, limit 1 to 16777216). Leave it out for the default."],
    [{ sinks: -1 }, "The number of sinks must be a whole number of tokens (found -1, limit 0 to 8176). Leave it out for the default."],
    [{ sinks: 8177 }, "The number of sinks must be a whole number of tokens (found 8177, limit 0 to 8176). Leave it out for the default."],
    [
      { recent: 0 },
      "The number of recent tokens must be a whole number of tokens (found 0, limit 1 to 8176). Leave it out for the default.",
    ],
    [
      { recent: 8192 },
      "The number of recent tokens must be a whole number of tokens (found 8192, limit 1 to 8176). Leave it out for the default.",
    ],
    [
      { recent: Infinity },
      "The number of recent tokens must be a whole number of tokens (found Infinity, limit 1 to 8176). Leave it out for the default.",
    ],
    [
      { policy: "quest", budget: 83 },
      "The budget leaves nothing to select beside sinks and recents, which are whole pages of 16 tokens (found 83, limit at least 84). Choose a larger budget, or fewer sinks and recents.",
    ],
    [
      { policy: "far", budget: 100, runTokens: 16, recent: 96 },
      "The budget leaves nothing to select beside sinks and recents, which are whole pages of 16 tokens (found 100, limit at least 128). Choose a larger budget, or fewer sinks and recents.",
    ],
    [
      { policy: "streaming", sinks: 64, budget: 64 },
      "Sinks and recents must leave at least one recent token and fit what is kept together with one page (found 64 sinks, 0 recents, limit 8192 tokens). Choose other numbers of sinks and recents.",
    ],
    [
      { policy: "streaming", sinks: 4096, recent: 4096 },
      "Sinks and recents must leave at least one recent token and fit what is kept together with one page (found 4096 sinks, 4096 recents, limit 8192 tokens). Choose other numbers of sinks and recents.",
    ],
  ])("for a wrong number or name: %o", (options, message) => {
    expect(refused(options)).toBe(message);
  });
});

test("no policy makes a query meet a key at a distance that the model was not trained for, whatever the options", () => {
  const random = createRandom(3);
  const page = (position: number): number => Math.floor(position / pageTokens);
  let checked = 0;
  for (let round = 0; round < 400; round++) {
    const trained = 256 * (1 + random.integer(8));
    const options: ContextOptions = {
      policy: random.pick(policyNames.filter((name) => name !== "dense")),
      ...(random.next() < 0.5 && { budget: 16 + random.integer(trained) }),
      ...(random.next() < 0.5 && { sinks: random.integer(trained / 4) }),
      ...(random.next() < 0.5 && { recent: 1 + random.integer(trained) }),
      ...(random.next() < 0.5 && { headMap }),
    };
    const policy = attempt(() => createPolicy(options, { trained, keeps: 16 + random.integer(4 * trained) }));
    if (!policy) continue;
    for (let row = 0; row < 8; row++) {
      const at = random.integer(4 * trained);
      const [own = NaN, sinkAt = own] = policy.rotations(at);
      for (const kvHead of [0, 1]) {
        const { sinks, recent, from } = policy.rule(0, kvHead);
        for (let position = 0; position <= at; position++) {
          if (at >= from && position >= sinks && page(position) + recent / pageTokens < page(at)) continue;
          // Sinks are whole pages, or their page is seen at its own position.
          const distance = (position < sinks ? sinkAt : own) - position;
          checked++;
          if (distance < 0 || distance >= trained)
            throw new Error(`${JSON.stringify(options)}: ${position} from ${at} at ${distance} of ${trained}`);
        }
      }
    }
  }
  expect(checked).toBeGreaterThan(100_000);
});

function attempt(create: () => Policy): Policy | undefined {
  try {
    return create();
  } catch {
    return undefined;
  }
}
