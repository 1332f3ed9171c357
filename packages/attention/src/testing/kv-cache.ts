import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KvCache } from "../cache.ts";
import type { CacheShape } from "../page.ts";
import { createPolicy } from "../context.ts";
import { dense } from "../policies/dense.ts";
import type { PagePool } from "../pool.ts";

const contextLength = 320;
const shape: CacheShape = { layers: 2, heads: 4, kvHeads: 2, headSize: 16 };

/** A pool for `shape` with a budget of at least `contextLength` tokens; `dispose` says what it did not get back. */
export interface TestPool {
  pool: PagePool;
  dispose: () => void;
}

/** What a timeline's cache does on any memory: the pages that it takes and gives back. */
export function describeKvCache(memory: string, open: (shape: CacheShape, contextLength: number) => TestPool): void {
  describe(`KvCache in ${memory}`, () => {
    let pool: PagePool;
    let dispose: () => void;
    /** Pages by layer that are taken and not given back. */
    let held: Set<number>[];
    beforeEach(() => {
      ({ pool, dispose } = open(shape, contextLength));
      held = watch(pool);
    });
    afterEach(() => dispose());

    const heldPages = (): number[] => held.map(({ size }) => size);
    const create = (): KvCache => new KvCache(pool, dense, contextLength, 64);
    const append = async (cache: KvCache, tokens: number): Promise<void> => {
      await cache.reserve(tokens);
      cache.append(tokens);
    };

    test("takes a page per layer and KV head every 16 tokens and gives them back", async () => {
      const cache = create();
      for (const [tokens, pages] of [
        [15, 1],
        [1, 1],
        [1, 2],
        [14, 2],
        [1, 2],
        [1, 3],
        [64, 7],
      ] as const) {
        await append(cache, tokens);
        expect(cache.lists.longest).toBe(pages);
        expect(heldPages()).toEqual([pages * shape.kvHeads, pages * shape.kvHeads]);
      }
      expect(cache.length).toBe(97);
      for (const [length, pages] of [
        [33, 3],
        [32, 2],
        [0, 0],
      ] as const) {
        cache.truncate(length);
        expect(heldPages()).toEqual([pages * shape.kvHeads, pages * shape.kvHeads]);
      }
      cache.dispose();
    });

    test("keeps the page that a truncation ends in, and goes on in it", async () => {
      const cache = create();
      await append(cache, 40);
      cache.truncate(17);
      expect(heldPages()).toEqual([4, 4]);
      await append(cache, 15);
      expect(cache.length).toBe(32);
      expect(heldPages()).toEqual([4, 4]);
      await append(cache, 1);
      expect(heldPages()).toEqual([6, 6]);
      cache.dispose();
    });

    test("does not change when it is truncated to more than it holds", async () => {
      const cache = create();
      await append(cache, 5);
      cache.truncate(6);
      expect(cache.length).toBe(5);
      expect(heldPages()).toEqual([2, 2]);
      cache.dispose();
    });

    test("shares the pool with another, each in pages of its own", async () => {
      const first = create();
      const second = create();
      await append(first, 20);
      await append(second, 20);
      expect(heldPages()).toEqual([8, 8]);
      await append(first, 20);
      expect(heldPages()).toEqual([10, 10]);
      first.dispose();
      expect(heldPages()).toEqual([4, 4]);
      second.dispose();
      expect(heldPages()).toEqual([0, 0]);
    });

    test("shares its pages with a fork until one of the two writes", async () => {
      const cache = create();
      await append(cache, 40);
      const fork = cache.fork();
      expect(heldPages()).toEqual([6, 6]);
      expect(fork.length).toBe(40);
      await append(fork, 1);
      expect(heldPages()).toEqual([8, 8]);
      await append(cache, 9);
      expect(heldPages()).toEqual([10, 10]);
      cache.dispose();
      expect(heldPages()).toEqual([6, 6]);
      fork.truncate(32);
      expect(heldPages()).toEqual([4, 4]);
      fork.dispose();
      expect(heldPages()).toEqual([0, 0]);
    });

    test("keeps sinks and a window where the policy streams, however long it goes on", async () => {
      const cache = new KvCache(
        pool,
        createPolicy({ policy: "streaming", sinks: 4, recent: 32 }, { trained: 256, keeps: 256 }),
        contextLength,
        64,
      );
      let most = 0;
      for (let step = 0; step < 40; step++) {
        await append(cache, step % 5 === 0 ? 64 : 1);
        most = Math.max(most, heldPages()[0] ?? 0);
      }
      expect(cache.length).toBe(8 * 64 + 32);
      // A sink page, two of the window, one of a rollback, four of a step and the one that it began in.
      expect(most).toBeLessThanOrEqual(9 * shape.kvHeads);
      expect(cache.usage()).toMatchObject({ sink: shape.layers * shape.kvHeads, recent: 3 * shape.layers * shape.kvHeads });
      // What the window of an earlier row needs is gone.
      expect(cache.truncate(100)).toBe(0);
      expect(heldPages()).toEqual([0, 0]);
      cache.dispose();
    });

    test("refuses what is more than the budget and takes nothing for it", async () => {
      const cache = create();
      await append(cache, 64);
      await expect(cache.reserve(contextLength)).rejects.toMatchObject({ code: "context-exceeded" });
      await append(cache, 64);
      expect(heldPages()).toEqual([16, 16]);
      cache.dispose();
    });
  });
}

/** Follows what is taken from a pool. No page may be given twice, or given back by somebody who does not hold it. */
function watch(pool: PagePool): Set<number>[] {
  const held = Array.from({ length: shape.layers }, () => new Set<number>());
  const allocate = pool.allocate.bind(pool);
  const release = pool.release.bind(pool);
  pool.allocate = (layer, form) => {
    const page = allocate(layer, form);
    expect(held[layer]?.has(page)).toBe(false);
    held[layer]?.add(page);
    return page;
  };
  pool.release = (layer, page, form) => {
    if (!pool.shared(layer, page, form)) expect(held[layer]?.delete(page)).toBe(true);
    release(layer, page, form);
  };
  return held;
}
