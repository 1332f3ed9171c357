import { createRandom } from "@longtab/formats/testing";
import { describe, expect, test } from "vitest";
import { createPolicy, dense, KvCache, listCapacity, outsideRoom, pageTokens, planPages, planStubs } from "../src/index.ts";
import type { AwayPlaces, CacheMark, ContextOptions, HeadMap, HeadRule, Policy } from "../src/index.ts";
import { describeKvCache } from "../src/testing/index.ts";
import {
  expectLists,
  expectPages,
  expectRollback,
  expectUsage,
  heads,
  keeps,
  maxStep,
  range,
  rollback,
  shape,
  trained,
} from "./cache-expectations.ts";
import { NamedTokens } from "./kernels.ts";
import { MemoryPool, namedBytes } from "./memory-pool.ts";
import { SlowDisk } from "./slow-disk.ts";

const headMap: HeadMap = {
  version: 1,
  model: "tiny",
  streaming: [
    [true, false],
    [false, true],
  ],
};

const contexts: Record<string, ContextOptions & { pooled?: number }> = {
  streaming: { policy: "streaming", sinks: 4, recent: 64 },
  "streaming without sinks": { policy: "streaming", sinks: 0, recent: 48 },
  "streaming with sinks of two pages": { policy: "streaming", sinks: 20, recent: 32 },
  duo: { policy: "duo", sinks: 4, recent: 32, headMap },
  quest: { policy: "quest", budget: 96, recent: 32 },
  "quest in runs of pages": { policy: "quest", budget: 96, recent: 16, runTokens: 16 },
  "duo+quest": { policy: "duo+quest", budget: 112, sinks: 20, recent: 48, headMap },
  far: { policy: "far", budget: 112 },
  auto: { policy: "auto", budget: 112, recent: 32, headMap },
  "auto without a head map": { policy: "auto", budget: 112 },
  "far and pages that move away": { policy: "far", budget: 112, pooled: 400 },
  "auto and pages that move away": { policy: "auto", budget: 112, recent: 32, headMap, pooled: 480 },
};

const pools = [
  { closes: false, boxes: false },
  { closes: false, boxes: true },
  { closes: true, boxes: true },
  { closes: true, boxes: false },
];

function policyOf({ pooled, ...options }: ContextOptions & { pooled?: number }): Policy {
  return createPolicy(options, { trained, keeps, pooled });
}

/** Where pages move away: room for what so many timelines keep, the most of it where reading takes a while. */
function awayOf(policy: Policy, timelines: number): { away: { places: AwayPlaces; stubs: number } } | Record<string, never> {
  const stubs = timelines * planStubs(shape, policy, maxStep).reduce((sum, ofLayer) => sum + ofLayer);
  if (stubs === 0) return {};
  let memory = 0;
  while (outsideRoom(namedBytes, { memory, disk: { limit: 3 * memory } }) < stubs) memory += 1024;
  return { away: { places: { memory, disk: new SlowDisk(3 * memory) }, stubs } };
}

describeKvCache("plain memory", (cacheShape, contextLength) => {
  const pages = (contextLength / pageTokens) * cacheShape.kvHeads;
  const pool = new MemoryPool(cacheShape, { budget: Array.from({ length: cacheShape.layers }, () => ({ open: pages, closed: 0 })) });
  return {
    pool,
    dispose: () => {
      if (pool.held > 0) throw new Error(`${pool.held} pages or tables are still held`);
    },
  };
});

describe.each(Object.entries(contexts))("a timeline with %s", (name, options) => {
  const policy = policyOf(options);

  test.each(pools)("shows each row what its rule says, whatever was rolled back and forked: %o", async (kind) => {
    const random = createRandom(name.length * 4 + pools.indexOf(kind));
    const pool = new MemoryPool(shape, { ...kind, ...awayOf(policy, 8) });
    let named = 0;
    const create = (): NamedTokens => new NamedTokens(pool, new KvCache(pool, policy, keeps, maxStep));
    const timelines = [create()];
    const marks: { mark: CacheMark; tokens: number[]; begun: number }[] = [];
    for (let step = 0, read = 0; read < 3000; step++) {
      const timeline = random.pick(timelines);
      const { cache } = timeline;
      const dice = random.next();
      if (dice < 0.04) {
        const back = random.next() < 0.8 ? random.integer(rollback + 1) : random.integer(cache.length + 1);
        expectRollback(timeline, Math.max(0, cache.length - back), kind.closes);
      } else if (dice < 0.06 && timelines.length < 4) {
        timelines.push(timeline.fork());
      } else if (dice < 0.08) {
        marks.push({ mark: cache.mark(), tokens: [...timeline.tokens], begun: Math.max(timeline.begun, cache.length) });
        if (marks.length > 3) marks.shift()?.mark.dispose();
      } else if (dice < 0.09 && marks.length > 0) {
        const { mark, tokens, begun } = random.pick(marks);
        timeline.returnTo(mark, tokens, begun);
      } else if (dice < 0.1 && timelines.length > 1) {
        timeline.cache.dispose();
        timelines.splice(timelines.indexOf(timeline), 1);
      } else {
        const rows = random.next() < 0.5 ? 1 : 1 + random.integer(maxStep);
        // Mostly some steps in a row, now and then one that ends at a page's end.
        const count = random.next() < 0.2 ? Math.min(maxStep, pageTokens - (cache.length % pageTokens)) : rows;
        read += count;
        const ids = range(named, (named += count));
        const checked = random.next() < 0.4;
        await timeline.append(ids, () => checked && expectLists(timeline, count, (all) => [random.integer(all), all - 1]));
        if (count === 1 && cache.moves) timeline.look(() => random.next() < 0.1);
        for (const [layer] of heads.filter(([, kvHead]) => kvHead === 0)) expectPages(pool, policy, layer, timelines.length + marks.length);
      }
      if (step % 50 === 0) expectUsage(timeline, pool);
    }
    for (const { cache } of timelines) cache.dispose();
    for (const { mark } of marks) mark.dispose();
    expect(pool.held).toBe(0);
  });

  test.each(pools)("stays within the planned pages, however long it goes on and whatever is marked: %o", async (kind) => {
    const random = createRandom(7);
    const budget = planPages(shape, policy, { maxTokens: keeps, maxStep, closes: kind.closes, forks: 0 });
    const pool = new MemoryPool(shape, { ...kind, budget, ...awayOf(policy, 1) });
    const timeline = new NamedTokens(pool, new KvCache(pool, policy, keeps, maxStep));
    const marks: CacheMark[] = [];
    while (timeline.cache.length < 6000) {
      const count = random.next() < 0.5 ? 1 : 1 + random.integer(maxStep);
      await timeline.append(range(0, count));
      if (count === 1 && timeline.cache.moves) timeline.look(() => random.next() < 0.2);
      if (random.next() < 0.05) marks.push(timeline.cache.mark());
    }
    // Those that took what the timeline needed are gone.
    expect(marks.length - pool.marks.size).toBeGreaterThan(10);
    expect(marks.filter(({ length }) => length > 0)).toHaveLength(pool.marks.size);
    expect(timeline.cache.lists.longest).toBeLessThanOrEqual(listCapacity(shape, policy, keeps, maxStep));
    timeline.cache.dispose();
    for (const mark of pool.marks) mark.dispose();
    expect(pool.held).toBe(0);
  });
});

test("a timeline that streams takes as many pages after a hundred thousand tokens as after its first window", async () => {
  const pool = new MemoryPool(shape);
  const { cache } = new NamedTokens(pool, new KvCache(pool, policyOf(contexts["streaming"] ?? {}), keeps, maxStep));
  const held = new Set<number>();
  while (cache.length < 100_000) {
    // A chunk that ends where a page does, then one token.
    for (const tokens of [maxStep - 1, 1]) {
      await cache.reserve(tokens);
      cache.append(tokens);
    }
    if (cache.length > 256) held.add(pool.held);
  }
  expect(held.size).toBe(1);
  cache.dispose();
});

describe("a fork with another policy", () => {
  const policies: Record<string, Policy> = {
    dense,
    ...Object.fromEntries(Object.entries(contexts).map(([name, options]) => [name, policyOf(options)])),
  };
  const pairs = Object.keys(policies).flatMap((from) => Object.keys(policies).map((to) => [from, to] as const));

  test.each(pairs)("from %s to %s shows what its own rule says, or is refused", async (from, to) => {
    const [parent = dense, child = dense] = [policies[from], policies[to]];
    for (const length of [70, 600]) {
      const pool = new MemoryPool(shape, { boxes: true });
      const timeline = new NamedTokens(pool, new KvCache(pool, parent, 1024, maxStep));
      while (timeline.cache.length < length)
        await timeline.append(range(timeline.cache.length, Math.min(length, timeline.cache.length + maxStep)));
      const before = pool.held;
      const fork = attempt(() => timeline.fork(child));
      // Refused where some head lacks what the other policy shows the next row.
      const refused = heads.some(([layer, kvHead]) => lacks(timeline, child.rule(layer, kvHead), layer, kvHead));
      expect(fork instanceof NamedTokens).toBe(!refused);
      expect(refused ? fork : {}).toMatchObject(refused ? { code: "invalid-option", value: child.name, limit: parent.name } : {});
      expect(refused ? pool.held : 0).toBeLessThanOrEqual(before);
      if (fork instanceof NamedTokens) {
        for (const rows of [1, 5, 1, maxStep, 1, 1]) {
          const { length: at } = fork.cache;
          await fork.append(range(at, at + rows), () => expectLists(fork, rows, (all) => [0, all - 1]));
        }
        fork.cache.dispose();
      }
      // The parent goes on as if nothing had been.
      await timeline.append([9999], () => expectLists(timeline, 1, () => [0]));
      timeline.cache.dispose();
      expect(pool.held).toBe(0);
    }
  });

  function attempt(fork: () => NamedTokens): unknown {
    try {
      return fork();
    } catch (error) {
      return error;
    }
  }

  /** Whether a head lacks a page that the next row should see, or may select from. */
  function lacks({ cache }: NamedTokens, rule: HeadRule, layer: number, kvHead: number): boolean {
    const kept = cache.length < rule.from ? 0 : Math.floor(cache.length / pageTokens) - Math.ceil(rule.keeps / pageTokens);
    return range(0, Math.ceil(cache.length / pageTokens)).some((page) => {
      const position = page * pageTokens;
      return (position < rule.sinks || page >= kept) && cache.pagesAt(position)[layer]?.[kvHead] === undefined;
    });
  }
});
