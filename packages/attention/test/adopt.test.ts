import { createRandom } from "@longtab/formats/testing";
import { describe, expect, test } from "vitest";
import { createPolicy, gapFits, isResident, KvCache, pageTokens, planPages, policyNumbers } from "../src/index.ts";
import type { ContextOptions, HeadMap } from "../src/index.ts";
import { expectLists, heads, keeps, maxStep, range, shape, trained } from "./cache-expectations.ts";
import { NamedTokens } from "./kernels.ts";
import { MemoryPool } from "./memory-pool.ts";

const headMap: HeadMap = {
  version: 1,
  model: "tiny",
  streaming: [
    [true, false],
    [false, true],
  ],
};

const contexts: ContextOptions[] = [
  { policy: "dense" },
  { policy: "streaming", sinks: 4, recent: 64 },
  { policy: "streaming", sinks: 20, recent: 32 },
  { policy: "duo", sinks: 0, recent: 32, headMap },
  { policy: "duo+quest", budget: 112, recent: 48, headMap },
  { policy: "far", budget: 112 },
];

/** Copies what the pages of blocks hold, as a snapshot does. */
async function copyBlocks(from: NamedTokens, to: NamedTokens, blocksAtOnce: number): Promise<void> {
  const gaps = from.cache.gaps();
  for (let at = 0; at < from.cache.length; at += blocksAtOnce * pageTokens) {
    const tokens = from.tokens.slice(at, at + blocksAtOnce * pageTokens);
    await to.cache.adopt(tokens.length, gaps);
    to.tokens.push(...tokens);
    for (let position = at; position < at + tokens.length; position += pageTokens) {
      const [sources, targets] = [from.cache.pagesAt(position), to.cache.pagesAt(position)];
      for (const [layer, kvHead] of heads) {
        const [source, target] = [sources[layer]?.[kvHead], targets[layer]?.[kvHead]];
        expect([target?.form, target?.position]).toEqual([source?.form, source?.position]);
        if (source && target && isResident(source) && isResident(target))
          to.pool.put(layer, target, from.pool.load(layer, source.page, source.form));
      }
    }
  }
  to.begun = from.begun;
}

describe.each(contexts.map((options) => [`${options.policy} ${options.sinks ?? ""}`, options] as const))(
  "a timeline with %s",
  (_, options) => {
    const policy = createPolicy(options, { trained, keeps });

    test.each([
      { closes: false, boxes: true },
      { closes: true, boxes: true },
    ])("goes on in another pool from what its pages hold, within the planned pages: %o", async (kind) => {
      const random = createRandom(11);
      for (const length of [1, 16, 250, 300, policy.endless ? 900 : 400]) {
        const budget = planPages(shape, policy, { maxTokens: keeps, maxStep, closes: kind.closes, forks: 0 });
        const create = (): NamedTokens => {
          const pool = new MemoryPool(shape, { ...kind, budget });
          return new NamedTokens(pool, new KvCache(pool, policy, keeps, maxStep));
        };
        const [timeline, other] = [create(), create()];
        while (timeline.cache.length < length) {
          const rows = Math.min(length - timeline.cache.length, 1 + random.integer(maxStep));
          await timeline.append(range(timeline.cache.length, timeline.cache.length + rows));
        }
        await copyBlocks(timeline, other, 1 + random.integer(6));
        expect(other.cache.usage()).toEqual(timeline.cache.usage());
        expect(timeline.cache.gaps().every((gap, head) => gapFits(gap, policy.rule(Math.floor(head / 2), head % 2), length))).toBe(true);
        for (const rows of [1, 1, 17, maxStep, 1]) {
          const ids = range(other.cache.length, other.cache.length + rows);
          await timeline.append(ids);
          await other.append(ids, () => expectLists(other, rows, (all) => [0, all - 1]));
          for (const [layer, kvHead] of heads)
            expect(other.entries(layer, kvHead).map(({ page: __, ...entry }) => entry)).toEqual(
              timeline.entries(layer, kvHead).map(({ page: __, ...entry }) => entry),
            );
        }
        for (const { cache, pool } of [timeline, other]) {
          cache.dispose();
          expect(pool.held).toBe(0);
        }
      }
    });
  },
);

describe("a gap", () => {
  const rule = createPolicy({ policy: "streaming", sinks: 4, recent: 64 }, { trained, keeps }).rule(0, 0);

  test.each([
    // At 200 tokens a row sees pages 8 to 12; a rollback of 16 tokens needs page 7.
    [{ from: 16, to: 112 }, true],
    [{ from: 16, to: 128 }, true],
    [{ from: 16, to: 144 }, false],
    [{ from: 16, to: 96 }, false],
    [{ from: 16, to: 120 }, false],
    [{ from: 32, to: 112 }, false],
    [{ from: 0, to: 112 }, false],
    [{ from: 112, to: 16 }, false],
    [{ from: 16, to: 16 }, false],
    [undefined, false],
  ])("%o of a head that has read 200 tokens is one that it can have: %s", (gap, fits) => {
    expect(gapFits(gap, rule, 200)).toBe(fits);
  });

  test("is none where nothing was given back yet", () => {
    expect(gapFits(undefined, rule, 90)).toBe(true);
    expect(gapFits({ from: 16, to: 32 }, rule, 90)).toBe(false);
  });
});

test("the numbers of a policy tell it from every other", () => {
  const lines = [...contexts, { policy: "streaming", sinks: 4, recent: 80 }, { policy: "far", budget: 116 }].map((options) =>
    policyNumbers(createPolicy(options as ContextOptions, { trained, keeps }), shape),
  );
  expect(new Set(lines).size).toBe(lines.length);
  expect(lines[1]).toBe("4 + 64 from 0 of 64");
  expect(lines[3]).toBe("0 + 32 from 0 of 32, 0 + 224 from 256 of 224, heads 0110");
});
