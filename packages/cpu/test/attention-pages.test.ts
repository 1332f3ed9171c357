import { dense, KvCache, pageTokens, pagesFor } from "@longtab/attention";
import type { CacheShape, PageCounts } from "@longtab/attention";
import { describeKvCache } from "@longtab/attention/testing";
import { describe, expect, test } from "vitest";
import { Heap } from "../src/heap.ts";
import { CpuPagePool, pageBytes, pagesBytes, setPages } from "../src/kv/index.ts";
import type { PageKind } from "../src/kv/index.ts";
import { openKernels } from "./kernels.ts";

const shape: CacheShape = { layers: 3, heads: 4, kvHeads: 2, headSize: 24 };
const full = { precision: "f16" } as const;

/** The same in every layer. */
function inAll<T>({ layers }: CacheShape, ofOne: T): T[] {
  return Array.from({ length: layers }, () => ofOne);
}

/** A pool of full precision for one timeline of so many tokens that keeps everything. */
function densePool(heap: Heap, cacheShape: CacheShape, tokens: number): CpuPagePool {
  const counts: PageCounts = { open: cacheShape.kvHeads * pagesFor(tokens), closed: 0 };
  return new CpuPagePool(heap, cacheShape, inAll(cacheShape, counts), inAll<PageKind>(cacheShape, full));
}

/** Every byte that can be allocated can be allocated at once. */
function expectAllFree(heap: Heap): void {
  const { bytes } = heap;
  heap.free(heap.allocate(bytes - 1024, 1024));
  expect(heap.bytes).toBe(bytes);
}

describeKvCache("WASM memory", (cacheShape, contextLength) => {
  const heap = new Heap(8 * 2 ** 20, false);
  const pool = densePool(heap, cacheShape, contextLength + 32);
  const dispose = (): void => {
    pool.dispose();
    expectAllFree(heap);
  };
  return { pool, dispose };
});

describe("CpuPagePool", () => {
  test("takes no memory before the first token, and by blocks up to its budget", async () => {
    const heap = new Heap(8 * 2 ** 20, false);
    const pool = densePool(heap, shape, 1600);
    expect(pool.bytes).toBe(0);
    expect(pool.maxBytes).toBe(600 * pageBytes(shape, full, "open"));
    const sizes: number[] = [];
    for (let pages = 0; pages < 200; pages++) {
      await pool.reserve({ open: 1, closed: 0 });
      for (let layer = 0; layer < shape.layers; layer++) pool.allocate(layer, "open");
      if (sizes.at(-1) !== pool.bytes / pool.pageBytes(0, "open")) sizes.push(pool.bytes / pool.pageBytes(0, "open"));
    }
    expect(sizes).toEqual([256, 512, 600]);
    await expect(pool.reserve({ open: 1, closed: 0 })).rejects.toMatchObject({
      code: "context-exceeded",
      message:
        "The cache has no free page left (found 603, limit 600). Start a new chat, shorten the conversation, or give the cache more memory.",
    });
  });

  test("has whole pages where their numbers say, in blocks anywhere in memory", async () => {
    const heap = new Heap(8 * 2 ** 20, false);
    const pool = densePool(heap, shape, 3200);
    const others: { start: number; end: number }[] = [];
    const pages: number[] = [];
    for (const bytes of [1, 5000, 77_777]) {
      const start = heap.allocate(bytes);
      others.push({ start, end: start + bytes });
      await pool.reserve({ open: 90, closed: 0 });
      for (let count = 0; count < 270; count++) pages.push(pool.allocate(0, "open"));
    }
    expect(new Set(pages).size).toBe(810);
    for (const page of pages) {
      const [start, end] = [page * pageBytes(shape, full, "open"), (page + 1) * pageBytes(shape, full, "open")];
      expect(end).toBeLessThanOrEqual(heap.bytes);
      for (const other of others) expect(end <= other.start || start >= other.end).toBe(true);
    }
  });

  test("stays as it is where there is no memory to grow", async () => {
    const heap = new Heap(2 ** 20, false);
    const pool = densePool(heap, shape, 100_000);
    await pool.reserve({ open: 10, closed: 0 });
    const { bytes } = pool;
    await expect(pool.reserve({ open: 500, closed: 0 })).rejects.toMatchObject({ code: "out-of-memory" });
    expect(pool.bytes).toBe(bytes);
    await pool.reserve({ open: 10, closed: 0 });
    expect(pool.allocate(0, "open")).toBeGreaterThan(0);
  });

  test("gives the memory of a timeline's tables back where there is none for all of them", () => {
    const heap = new Heap(2 ** 20, false);
    const pool = densePool(heap, shape, 32_000);
    // Lists of 2000 entries for six heads take 192 KB; slots for a step of 64,000 tokens more than there is.
    expect(() => new KvCache(pool, dense, 32_000, 64_000)).toThrow(expect.objectContaining({ code: "out-of-memory" }));
    expectAllFree(heap);
  });

  test("says what the bytes of a page mean", () => {
    const pool = densePool(new Heap(2 ** 20, false), shape, pageTokens);
    expect(pool.form).toEqual({
      precision: "int16/int8",
      layers: 3,
      kvHeads: 2,
      headSize: 24,
      blockTokens: 16,
      pageBytes: { open: 16 * (2 * 24 + 24 + 4 + 4), closed: [0, 0, 0] },
    });
  });

  test("has pages of two forms, each with its budget and its own numbers", async () => {
    const heap = new Heap(8 * 2 ** 20, false);
    const kind = { precision: "kv4" } as const;
    const kinds = inAll(shape, kind);
    const pool = new CpuPagePool(heap, shape, inAll(shape, { open: 10, closed: 300 }), kinds);
    expect(pool.closes).toBe(true);
    await pool.reserve({ open: 2, closed: 100 });
    const [open, closed] = [pool.allocate(0, "open"), pool.allocate(0, "closed")];
    pool.page(0, open, "open").fill(1);
    pool.page(0, closed, "closed").fill(2);
    expect(pool.page(0, open, "open").every((byte) => byte === 1)).toBe(true);
    expect(pool.page(0, closed, "closed")).toHaveLength(pageBytes(shape, kind, "closed"));
    expect(pool.bytes).toBe(pagesBytes(shape, inAll(shape, { open: 10, closed: 100 }), kinds));
    expect(pool.maxBytes).toBe(pagesBytes(shape, inAll(shape, { open: 10, closed: 300 }), kinds));
    await expect(pool.reserve({ open: 10, closed: 0 })).rejects.toMatchObject({ code: "context-exceeded", value: 31, limit: 30 });
  });

  test("has closed pages of one size for the layers of one precision, each size with its budget and its own numbers", async () => {
    const heap = new Heap(8 * 2 ** 20, false);
    const kinds: PageKind[] = (["kv4", "kv8", "kv4"] as const).map((precision) => ({ precision }));
    const pool = new CpuPagePool(heap, shape, inAll(shape, { open: 10, closed: 300 }), kinds);
    expect(pool.form).toMatchObject({
      precision: "int16/int8, then kv4, int16/int8, then kv8, int16/int8, then kv4",
      pageBytes: { closed: kinds.map((kind) => pageBytes(shape, kind, "closed")) },
    });
    await pool.reserve({ open: 2, closed: 290 });
    expect(pool.bytes).toBe(pagesBytes(shape, inAll(shape, { open: 10, closed: 290 }), kinds));
    const pages = kinds.map((_, layer) => ({ layer, page: pool.allocate(layer, "closed") }));
    for (const { layer, page } of pages) pool.page(layer, page, "closed").fill(1 + layer);
    for (const [layer, { page }] of pages.entries()) {
      const bytes = pool.page(layer, page, "closed");
      expect(bytes).toHaveLength(pageBytes(shape, kinds[layer] as PageKind, "closed"));
      expect(bytes.every((byte) => byte === 1 + layer)).toBe(true);
    }
    await expect(pool.reserve({ open: 0, closed: 300 }, 1)).rejects.toMatchObject({ code: "context-exceeded", value: 301, limit: 300 });
    await pool.reserve({ open: 0, closed: 300 }, 2);
    expect(pool.maxBytes).toBe(pagesBytes(shape, inAll(shape, { open: 10, closed: 300 }), kinds));
    pool.dispose();
    expectAllFree(heap);
  });

  test("frees a page when its last holder releases it, and copies what is written to", async () => {
    const pool = densePool(new Heap(8 * 2 ** 20, false), shape, 64);
    await pool.reserve({ open: 4, closed: 0 });
    const page = pool.allocate(0, "open");
    pool.page(0, page, "open").fill(5);
    pool.retain(0, page, "open");
    expect(pool.shared(0, page, "open")).toBe(true);
    const copy = pool.allocate(0, "open");
    pool.copy(0, page, copy);
    expect(pool.page(0, copy, "open")).toEqual(pool.page(0, page, "open"));
    pool.release(0, page, "open");
    expect(pool.shared(0, page, "open")).toBe(false);
    expect(pool.allocate(0, "open")).not.toBe(page);
    pool.release(0, page, "open");
    expect(pool.allocate(0, "open")).toBe(page);
  });
});

describe("the bytes of pages", () => {
  test.each(["f16", "kv8", "k8v4", "kv4"] as const)("are what the kernels take them for: %s", async (precision) => {
    const { kernels } = await openKernels("plain");
    for (const headSize of [8, 24, 64, 256]) {
      for (const selectBy of [undefined, "ranges", 4, 8, 16] as const) {
        const kind = { precision, selectBy };
        setPages(kernels, { headSize }, kind);
        expect(kernels.pageBytes(0)).toBe(pageBytes({ headSize }, kind, "open"));
        expect(kernels.pageBytes(1)).toBe(precision === "f16" ? 0 : pageBytes({ headSize }, kind, "closed"));
      }
    }
  });

  test.each([
    ["kv8", 0.42],
    ["k8v4", 0.35],
    ["kv4", 0.26],
  ] as const)("%s keeps 8192 tokens, a third of the heads no more than 288, in %f of what 16-bit floats take", (precision, most) => {
    const headSize = 64;
    const bytes = pageBytes({ headSize }, { precision }, "closed");
    const streaming = pagesFor(288) / pagesFor(8192);
    expect((bytes * (2 + streaming)) / 3 / (pageTokens * headSize * 4)).toBeLessThanOrEqual(most);
  });
});
