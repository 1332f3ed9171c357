import { expect, test } from "vitest";
import { createPolicy, isResident, KvCache, outsideRoom, pagesExceeded, pageTokens, planStubs } from "../src/index.ts";
import type { CacheShape, Policy } from "../src/index.ts";
import { range } from "./cache-expectations.ts";
import { NamedTokens } from "./kernels.ts";
import { MemoryPool, namedBytes } from "./memory-pool.ts";
import { SlowDisk } from "./slow-disk.ts";

const shape: CacheShape = { layers: 1, heads: 1, kvHeads: 1, headSize: 16 };
const maxStep = 48;
const keeps = 1024;
const policy: Policy = createPolicy({ policy: "far", budget: 112 }, { trained: 256, keeps, pooled: 400 });

/** A disk whose reads come when they are told to. */
class HeldDisk extends SlowDisk {
  fails = false;
  #waiting: (() => void)[] = [];

  override async read(slab: number, from: number, to: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = this.slabs.get(slab)?.slice(from, to);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.fails ? undefined : bytes;
  }

  /** Of all reads that come in the next turns of the event loop, too. */
  async releaseAll(): Promise<void> {
    do await new Promise((resolve) => setTimeout(resolve, 0));
    while ((await this.release()) > 0);
  }

  /** How many reads there were. */
  async release(): Promise<number> {
    const waiting = this.#waiting.splice(0);
    for (const resolve of waiting) resolve();
    await new Promise((resolve) => setTimeout(resolve, 0));
    return waiting.length;
  }
}

function open(): { timeline: NamedTokens; disk: HeldDisk } {
  const stubs = planStubs(shape, policy, maxStep).reduce((sum, ofLayer) => sum + ofLayer);
  let memory = 0;
  while (outsideRoom(namedBytes, { memory, disk: { limit: 15 * memory } }) < stubs) memory += 256;
  const disk = new HeldDisk(15 * memory);
  const pool = new MemoryPool(shape, { boxes: true, away: { places: { memory, disk }, stubs } });
  return { timeline: new NamedTokens(pool, new KvCache(pool, policy, keeps, maxStep)), disk };
}

async function read(timeline: NamedTokens, tokens: readonly number[]): Promise<void> {
  for (let from = 0; from < tokens.length; from += maxStep) {
    await timeline.append(tokens.slice(from, from + maxStep));
    await timeline.pool.away?.outside.written();
  }
}

/** Two steps: one that looks at all that is away, and one that begins to read it. */
async function lookAtAll(timeline: NamedTokens): Promise<void> {
  await timeline.append([1]);
  timeline.look(() => true);
  await timeline.append([2]);
}

/** Every page in the pool must hold what was read last. */
function expectPages({ cache, pool, tokens }: NamedTokens): void {
  for (let position = 0; position < cache.length; position += pageTokens) {
    const page = cache.pagesAt(position)[0]?.[0];
    if (!page || !isResident(page)) continue;
    const held = pool.load(0, page.page, page.form).slice(0, cache.length - position);
    expect(held).toEqual(tokens.slice(position, position + pageTokens));
  }
}

test("what was being read of a text that was given up is not taken for another's", async () => {
  // The numbers of stubs that are given back are given again, the last one first: of an odd count the middle one to the same place.
  for (const length of [704, 720]) {
    const { timeline, disk } = open();
    await read(timeline, range(0, length));
    await lookAtAll(timeline);
    timeline.truncate(0);
    await read(timeline, range(5000, 5000 + length));
    expect(await disk.release()).toBeGreaterThan(0);
    await timeline.append([1]);
    expectPages(timeline);
  }
});

test("what could not be read of a text that was given up is not missed by another", async () => {
  const { timeline, disk } = open();
  await read(timeline, range(0, 700));
  await lookAtAll(timeline);
  disk.fails = true;
  expect(await disk.release()).toBeGreaterThan(0);
  timeline.truncate(0);
  await read(timeline, range(5000, 5100));
  expect(timeline.cache.length).toBe(100);
});

test("a rollback while stubs are made leaves a text that comes next as it would be alone", async () => {
  const { timeline } = open();
  const { cache, pool } = timeline;
  await read(timeline, range(0, 700));
  const away = pool.away as NonNullable<typeof pool.away>;
  const reserve = away.reserve.bind(away);
  let made = (): void => {};
  // As on a GPU, whose memory comes a little later.
  away.reserve = async (stubs) => {
    await new Promise<void>((resolve) => (made = resolve));
    await reserve(stubs);
  };
  const step = cache.reserve(1);
  await new Promise((resolve) => setTimeout(resolve, 0));
  timeline.truncate(0);
  made();
  await step;
  away.reserve = reserve;
  await read(timeline, range(5000, 5700));
  const { timeline: alone } = open();
  await read(alone, range(5000, 5700));
  expect(cache.usage()).toEqual(alone.cache.usage());
});

test("a rollback while pages are read that nobody needs any more costs nothing but those", async () => {
  const { timeline, disk } = open();
  await read(timeline, range(0, 700));
  const mark = timeline.cache.mark();
  await read(timeline, range(700, 800));
  timeline.truncate(0);
  expect(timeline.returnTo(mark, range(0, 700), 700)).toBe(true);
  timeline.truncate(300);
  const step = timeline.cache.reserve(1);
  await new Promise((resolve) => setTimeout(resolve, 0));
  timeline.truncate(100);
  disk.fails = true;
  expect(await disk.release()).toBeGreaterThan(0);
  await step;
  expect(timeline.cache.length).toBe(96);
  expect(mark.length).toBe(700);
});

test("a step that there is no room for costs no more than the step", async () => {
  const { timeline, disk } = open();
  const { cache, pool } = timeline;
  await read(timeline, range(0, 700));
  const place = cache.mark();
  const left = timeline.truncate(300);
  const reserve = pool.reserve.bind(pool);
  pool.reserve = async () => {
    throw pagesExceeded(2, 1);
  };
  const [refused] = await Promise.allSettled([cache.reserve(1), disk.releaseAll()]);
  expect(refused).toMatchObject({ status: "rejected", reason: { code: "context-exceeded" } });
  expect([cache.length, timeline.cache.usage().forgotten]).toEqual([left, 0]);

  pool.reserve = reserve;
  // Rows of several are never shown a page that is away.
  await Promise.all([timeline.append([1, 2]), disk.releaseAll()]);
  expect(timeline.seen(0, 0, 1).at(-1)?.token).toBe(2);
  expectPages(timeline);
  place.dispose();
});
