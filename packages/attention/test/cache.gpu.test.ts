import { LongtabError } from "@longtab/errors";
import { readBuffer } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { openTestGpu } from "@longtab/gpu/testing";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pageTokens } from "../src/index.ts";
import type { CacheShape } from "../src/index.ts";
import { describeKvCache } from "../src/testing/index.ts";
import { GpuPagePool, pageBytes } from "../src/webgpu/index.ts";

const shape: CacheShape = { layers: 2, heads: 4, kvHeads: 2, headSize: 16 };
/** Of keys and values of one page in both layers. */
const bytesOfPage = 2 * 2 * pageBytes(shape);
const contextLength = 320;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});

/** A pool, and an end of it that says what is still allocated. */
function open(cacheShape: CacheShape, tokens: number): { pool: GpuPagePool; dispose: () => void } {
  const allocatedBefore = gpu.allocatedBytes;
  const pool = new GpuPagePool(gpu, cacheShape, (tokens / pageTokens) * cacheShape.kvHeads);
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
      for (let layer = 0; layer < shape.layers; layer++) pool.allocate(layer);
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
    const content = Float32Array.from({ length: (3 * pageBytes(shape)) / 4 }, (_, index) => index);
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
    pool.allocate(0);
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
    expect([1, 2].map(() => pool.allocate(0))).toEqual([1, 2]);
  });

  test("gives the lowest pages first, also after growing, and each only once", async () => {
    await pool.reserve({ open: 4, closed: 0 });
    expect([0, 1, 2, 3].map(() => pool.allocate(0))).toEqual([0, 1, 2, 3]);
    await pool.reserve({ open: 2, closed: 0 });
    expect([0, 1].map(() => pool.allocate(0))).toEqual([4, 5]);
    expect(() => [0, 1, 2].map(() => pool.allocate(0))).toThrow("A page was taken without reserving it");
  });

  test("refuses a layer that this adapter cannot bind", () => {
    const pages = Math.floor(gpu.report.limits.maxStorageBufferBindingSize / pageBytes(shape)) + 1;
    expect(() => new GpuPagePool(gpu, shape, pages)).toThrow(expect.objectContaining({ code: "device-limit" }));
  });
});

describeKvCache("GPU buffers", open);
