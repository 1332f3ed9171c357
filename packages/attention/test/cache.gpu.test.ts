import { LongtabError } from "@longtab/errors";
import { readBuffer } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { openTestGpu } from "@longtab/gpu/testing";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pageTokens } from "../src/index.ts";
import type { CacheShape, PageCounts } from "../src/index.ts";
import { describeKvCache } from "../src/testing/index.ts";
import { GpuPagePool, openBytes, pageBytes, storageOf } from "../src/webgpu/index.ts";
import type { PageStorage } from "../src/webgpu/index.ts";

const shape: CacheShape = { layers: 2, heads: 4, kvHeads: 2, headSize: 16 };
const full = storageOf("f16");
/** Of keys and values of one page in both layers. */
const bytesOfPage = 2 * pageBytes(shape, full).open;
const contextLength = 320;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});

function sameInAll({ layers }: CacheShape, storage: PageStorage): PageStorage[] {
  return Array.from({ length: layers }, () => storage);
}

/** A pool, and an end of it that says what is still allocated. */
function open(cacheShape: CacheShape, tokens: number, storage: PageStorage = full): { pool: GpuPagePool; dispose: () => void } {
  const allocatedBefore = gpu.allocatedBytes;
  const pages = (tokens / pageTokens) * cacheShape.kvHeads;
  const pool = new GpuPagePool(gpu, cacheShape, { open: pages, closed: pages }, sameInAll(cacheShape, storage));
  const dispose = (): void => {
    pool.dispose();
    if (gpu.allocatedBytes !== allocatedBefore) throw new Error(`${gpu.allocatedBytes - allocatedBefore} bytes are still allocated`);
  };
  return { pool, dispose };
}

describe("GpuPagePool", () => {
  let pool: GpuPagePool;
  let dispose: () => void;
  beforeEach(() => {
    ({ pool, dispose } = open(shape, contextLength));
  });
  afterEach(() => dispose());

  test("takes no memory for pages before the first token", () => {
    expect(pool.bytes).toBe(0);
    expect(pool.maxBytes).toBe(40 * bytesOfPage);
  });

  test("grows by doubling and not beyond its budget", async () => {
    const sizes: number[] = [];
    for (let pages = 0; pages < 40; pages++) {
      await pool.reserve({ open: 1, closed: 0 });
      for (let layer = 0; layer < shape.layers; layer++) pool.allocate(layer, "open");
      if (sizes.at(-1) !== pool.bytes) sizes.push(pool.bytes);
    }
    expect(sizes.map((bytes) => bytes / bytesOfPage)).toEqual([1, 2, 4, 8, 16, 32, 40]);
    expect(pool.bytes).toBe(pool.maxBytes);
    await expect(pool.reserve({ open: 1, closed: 0 })).rejects.toMatchObject({
      code: "context-exceeded",
      message:
        "The cache has no free page left (found 41, limit 40). Start a new chat, shorten the conversation, or give the cache more memory.",
    });
    expect(pool.bytes).toBe(pool.maxBytes);
  });

  test("refuses at once a step that its budget cannot hold", async () => {
    await expect(pool.reserve({ open: 41, closed: 0 })).rejects.toMatchObject({ code: "context-exceeded" });
    expect(pool.bytes).toBe(0);
    await pool.reserve({ open: 40, closed: 0 });
    expect(pool.bytes).toBe(pool.maxBytes);
  });

  test("keeps what its pages hold when it grows", async () => {
    await pool.reserve({ open: 3, closed: 0 });
    const content = Float32Array.from({ length: (3 * openBytes(shape)) / 4 }, (_, index) => index);
    gpu.device.queue.writeBuffer(pool.keys(1), 0, content);
    gpu.device.queue.writeBuffer(
      pool.values(1),
      0,
      content.map((value) => -value),
    );
    await pool.reserve({ open: 30, closed: 0 });
    expect(new Float32Array(await readBuffer(gpu, pool.keys(1), 0, content.byteLength))).toEqual(content);
    expect(new Float32Array(await readBuffer(gpu, pool.values(1), 0, content.byteLength))).toEqual(content.map((value) => -value));
  });

  test("stays as it is where the GPU has no memory to grow", async () => {
    await pool.reserve({ open: 2, closed: 0 });
    pool.allocate(0, "open");
    const before = { bytes: pool.bytes, allocated: gpu.allocatedBytes, keys: pool.keys(0), values: pool.values(0) };
    // No driver can be made to refuse on demand: the answer of one that does, after it was really asked.
    const allocating = gpu.allocating.bind(gpu);
    gpu.allocating = async (what, allocate) => {
      await allocating(what, allocate);
      throw new LongtabError({ code: "out-of-memory", what: `The GPU has no memory left for ${what}` });
    };
    try {
      await expect(pool.reserve({ open: 2, closed: 0 })).rejects.toMatchObject({
        code: "out-of-memory",
        message: "The GPU has no memory left for the conversation's cache.",
      });
    } finally {
      Reflect.deleteProperty(gpu, "allocating");
    }
    expect({ bytes: pool.bytes, allocated: gpu.allocatedBytes, keys: pool.keys(0), values: pool.values(0) }).toEqual(before);
    await pool.reserve({ open: 2, closed: 0 });
    expect([1, 2].map(() => pool.allocate(0, "open"))).toEqual([1, 2]);
  });

  test("gives the lowest pages first, also after growing, and each only once", async () => {
    await pool.reserve({ open: 4, closed: 0 });
    expect([0, 1, 2, 3].map(() => pool.allocate(0, "open"))).toEqual([0, 1, 2, 3]);
    await pool.reserve({ open: 2, closed: 0 });
    expect([0, 1].map(() => pool.allocate(0, "open"))).toEqual([4, 5]);
    expect(() => [0, 1, 2].map(() => pool.allocate(0, "open"))).toThrow("A page was taken without reserving it");
  });

  test("refuses a layer that this adapter cannot bind", () => {
    const pages = Math.floor(gpu.report.limits.maxStorageBufferBindingSize / openBytes(shape)) + 1;
    const create = (counts: PageCounts, storage: PageStorage) => (): GpuPagePool =>
      new GpuPagePool(gpu, shape, counts, sameInAll(shape, storage));
    expect(create({ open: pages, closed: 0 }, full)).toThrow(expect.objectContaining({ code: "device-limit" }));
    const quantised = storageOf("kv8", 4);
    const records = Math.floor(gpu.report.limits.maxStorageBufferBindingSize / pageBytes(shape, quantised).closed) + 1;
    expect(create({ open: 1, closed: records }, quantised)).toThrow(expect.objectContaining({ code: "device-limit" }));
  });

  test("copies a page, keys and values, to another of the same layer", async () => {
    await pool.reserve({ open: 3, closed: 0 });
    const length = openBytes(shape) / 4;
    const pages = Float32Array.from({ length: 3 * length }, (_, index) => index);
    gpu.device.queue.writeBuffer(pool.keys(1), 0, pages);
    gpu.device.queue.writeBuffer(
      pool.values(1),
      0,
      pages.map((value) => -value),
    );
    pool.copy(1, 0, 2);
    const copied = [...pages.subarray(0, 2 * length), ...pages.subarray(0, length)];
    expect(Array.from(new Float32Array(await readBuffer(gpu, pool.keys(1), 0, pages.byteLength)))).toEqual(copied);
    expect(Array.from(new Float32Array(await readBuffer(gpu, pool.values(1), 0, pages.byteLength)))).toEqual(copied.map((value) => -value));
  });
});

describe("GpuPagePool with a closed form", () => {
  const storage = storageOf("kv8", 4);
  const { open: openPage, closed: closedPage } = pageBytes(shape, storage);
  let pool: GpuPagePool;
  let dispose: () => void;
  beforeEach(() => {
    ({ pool, dispose } = open(shape, contextLength, storage));
  });
  afterEach(() => dispose());

  test("counts and budgets each form for itself", async () => {
    expect(pool.closes && pool.boxes).toBe(true);
    expect(pool.maxBytes).toBe(2 * 40 * (openPage + closedPage));
    await pool.reserve({ open: 3, closed: 7 });
    expect(pool.bytes).toBe(2 * (3 * openPage + 7 * closedPage));
    expect([0, 1].map(() => pool.allocate(0, "open"))).toEqual([0, 1]);
    expect([0, 1, 2].map(() => pool.allocate(0, "closed"))).toEqual([0, 1, 2]);
    await expect(pool.reserve({ open: 1, closed: 38 })).rejects.toMatchObject({ code: "context-exceeded" });
  });

  test("gives a page to the next when its last holder releases it", async () => {
    await pool.reserve({ open: 0, closed: 1 });
    const page = pool.allocate(0, "closed");
    expect(pool.shared(0, page, "closed")).toBe(false);
    pool.retain(0, page, "closed");
    expect(pool.shared(0, page, "closed")).toBe(true);
    pool.release(0, page, "closed");
    expect(() => pool.allocate(0, "closed")).toThrow("A page was taken without reserving it");
    pool.release(0, page, "closed");
    expect(pool.allocate(0, "closed")).toBe(page);
  });

  test("keeps records when it grows", async () => {
    await pool.reserve({ open: 1, closed: 2 });
    const content = Float32Array.from({ length: (2 * closedPage) / 4 }, (_, index) => index);
    gpu.device.queue.writeBuffer(pool.records(1), 0, content);
    await pool.reserve({ open: 1, closed: 9 });
    expect(new Float32Array(await readBuffer(gpu, pool.records(1), 0, content.byteLength))).toEqual(content);
  });
});

test("a page at full precision has its boxes beside it", async () => {
  const { pool, dispose } = open(shape, contextLength, storageOf("f16", 4));
  await pool.reserve({ open: 5, closed: 0 });
  const { open: bytes, closed } = pageBytes(shape, pool.storage(0));
  expect([bytes, closed]).toEqual([2 * openBytes(shape) + 16 + 2 * 16 + 4 * 16, 0]);
  expect(pool.records(0).size).toBe(5 * (bytes - 2 * openBytes(shape)));
  expect([pool.closes, pool.boxes]).toEqual([false, true]);
  dispose();
});

describeKvCache("GPU buffers", open);
