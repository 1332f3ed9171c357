import { dense, KvCache, pageTokens } from "@longtab/attention";
import type { CacheShape } from "@longtab/attention";
import { describeKvCache } from "@longtab/attention/testing";
import { describe, expect, test } from "vitest";
import { Heap } from "../src/heap.ts";
import { cacheBytes, CpuPagePool, pageBytes } from "../src/kv/index.ts";

const shape: CacheShape = { layers: 3, heads: 4, kvHeads: 2, headSize: 24 };

/** Every byte that can be allocated can be allocated at once. */
function expectAllFree(heap: Heap): void {
  const { bytes } = heap;
  heap.free(heap.allocate(bytes - 1024, 1024));
  expect(heap.bytes).toBe(bytes);
}

describeKvCache("WASM memory", (cacheShape, contextLength) => {
  const heap = new Heap(8 * 2 ** 20, false);
  const pool = new CpuPagePool(heap, cacheShape, contextLength);
  const dispose = (): void => {
    pool.dispose();
    expectAllFree(heap);
  };
  return { pool, dispose };
});

describe("CpuPagePool", () => {
  test("takes no memory before the first token, and by blocks up to its budget", async () => {
    const heap = new Heap(8 * 2 ** 20, false);
    const pool = new CpuPagePool(heap, shape, 1600);
    expect(pool.bytes).toBe(0);
    expect(pool.maxBytes).toBe(cacheBytes(shape, 1600));
    const sizes: number[] = [];
    for (let pages = 0; pages < 200; pages++) {
      await pool.reserve({ open: 1, closed: 0 });
      for (let layer = 0; layer < shape.layers; layer++) pool.allocate();
      if (sizes.at(-1) !== pool.bytes / pool.pageBytes) sizes.push(pool.bytes / pool.pageBytes);
    }
    expect(sizes).toEqual([256, 512, 600]);
    await expect(pool.reserve({ open: 1, closed: 0 })).rejects.toMatchObject({
      code: "context-exceeded",
      message: "The cache has no free page left (found 603, limit 600). Start a new chat, shorten the conversation, or give the cache more memory.",
    });
  });

  test("has whole pages where their numbers say, in blocks anywhere in memory", async () => {
    const heap = new Heap(8 * 2 ** 20, false);
    const pool = new CpuPagePool(heap, shape, 3200);
    const others: { start: number; end: number }[] = [];
    const pages: number[] = [];
    for (const bytes of [1, 5000, 77_777]) {
      const start = heap.allocate(bytes);
      others.push({ start, end: start + bytes });
      await pool.reserve({ open: 90, closed: 0 });
      for (let count = 0; count < 270; count++) pages.push(pool.allocate());
    }
    expect(new Set(pages).size).toBe(810);
    for (const page of pages) {
      const [start, end] = [page * pageBytes(shape), (page + 1) * pageBytes(shape)];
      expect(end).toBeLessThanOrEqual(heap.bytes);
      for (const other of others) expect(end <= other.start || start >= other.end).toBe(true);
    }
  });

  test("stays as it is where there is no memory to grow", async () => {
    const heap = new Heap(2 ** 20, false);
    const pool = new CpuPagePool(heap, shape, 100_000);
    await pool.reserve({ open: 10, closed: 0 });
    const { bytes } = pool;
    await expect(pool.reserve({ open: 500, closed: 0 })).rejects.toMatchObject({ code: "out-of-memory" });
    expect(pool.bytes).toBe(bytes);
    await pool.reserve({ open: 10, closed: 0 });
    expect(pool.allocate()).toBeGreaterThan(0);
  });

  test("gives the memory of a timeline's tables back where there is none for all of them", () => {
    const heap = new Heap(2 ** 20, false);
    const pool = new CpuPagePool(heap, shape, 32_000);
    // Lists of 2000 entries for six heads take 192 KB; slots for a step of 64,000 tokens more than there is.
    expect(() => new KvCache(pool, dense, 32_000, 64_000)).toThrow(expect.objectContaining({ code: "out-of-memory" }));
    expectAllFree(heap);
  });

  test("says what the bytes of a page mean", () => {
    const pool = new CpuPagePool(new Heap(2 ** 20, false), shape, pageTokens);
    expect(pool.form).toEqual({
      precision: "int16/int8",
      layers: 3,
      kvHeads: 2,
      headSize: 24,
      blockTokens: 16,
      blockBytes: 6 * 16 * (2 * 24 + 24 + 4 + 4),
    });
  });
});
