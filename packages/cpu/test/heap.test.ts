import { isLongtabError } from "@longtab/errors";
import { createRandom } from "@longtab/formats/testing";
import { describe, expect, test } from "vitest";
import { Heap } from "../src/heap.ts";

const wasmPage = 65536;
/** What the kernels' job block keeps. */
const reserved = 1024;

describe.each([
  { memory: "unshared", shared: false },
  { memory: "shared", shared: true },
])("a heap of $memory memory", ({ shared }) => {
  test("keeps the kernels' job block to itself", () => {
    const heap = new Heap(wasmPage, shared);
    expect(heap.bytes).toBe(wasmPage);
    expect(heap.allocate(wasmPage - reserved, 1)).toBe(reserved);
    expect(() => heap.allocate(1)).toThrow(expect.objectContaining({ code: "out-of-memory" }));
  });

  test.each([1, 4, 24, 64, 3200, 65536])("aligns to %d bytes", (alignment) => {
    const heap = new Heap(8 * wasmPage, shared);
    const pointers = [1, 100, 7].map((bytes) => heap.allocate(bytes, alignment));
    expect(pointers.map((pointer) => pointer % alignment)).toEqual([0, 0, 0]);
    expect(new Set(pointers).size).toBe(3);
  });

  test("gives regions of no bytes addresses of their own", () => {
    const heap = new Heap(wasmPage, shared);
    const [first, second] = [heap.allocate(0), heap.allocate(0)];
    expect(first).not.toBe(second);
    heap.free(first);
    heap.free(second);
  });

  test("gives a freed gap again, the part before an aligned start too", () => {
    const heap = new Heap(wasmPage, shared);
    const aligned = heap.allocate(1000, 5000);
    expect(aligned).toBe(5000);
    expect(heap.allocate(3976, 1)).toBe(reserved);
    const next = heap.allocate(10, 1);
    expect(next).toBe(6000);
    heap.free(aligned);
    expect(heap.allocate(1000, 1)).toBe(aligned);
  });

  test.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ])("merges neighbours that are freed in the order %d, %d, %d", (...order) => {
    const heap = new Heap(wasmPage, shared);
    const bytes = (wasmPage - reserved) / 3;
    const pointers = [0, 1, 2].map(() => heap.allocate(bytes, 1));
    for (const index of order) heap.free(pointers[index] ?? NaN);
    expect(heap.allocate(3 * bytes, 1)).toBe(reserved);
  });

  test("grows by what the last gap lacks", () => {
    const heap = new Heap(4 * wasmPage, shared);
    const first = heap.allocate(wasmPage - reserved - 100, 1);
    // 100 bytes are left: one page more is enough.
    expect(heap.allocate(wasmPage + 100, 1)).toBe(first + wasmPage - reserved - 100);
    expect(heap.bytes).toBe(2 * wasmPage);
  });

  test("grows to its limit and says beyond it what it holds and what was asked for", () => {
    const heap = new Heap(3 * wasmPage - 1, shared);
    expect(heap.limit).toBe(3 * wasmPage);
    const all = heap.allocate(3 * wasmPage - reserved, 1);
    expect(heap.bytes).toBe(heap.limit);
    expect(() => heap.allocate(100, 1)).toThrow(
      expect.objectContaining({
        code: "out-of-memory",
        value: 3 * wasmPage + 100,
        limit: 3 * wasmPage,
        remedy: "close other tabs, or choose a smaller model or a shorter context",
      }),
    );
    // What was refused has taken nothing.
    heap.free(all);
    expect(heap.allocate(3 * wasmPage - reserved, 1)).toBe(all);
  });

  test("refuses to free what it has not given", () => {
    const heap = new Heap(wasmPage, shared);
    const pointer = heap.allocate(10);
    expect(() => heap.free(pointer + 1)).toThrow(`nothing was allocated at ${pointer + 1}`);
    heap.free(pointer);
    expect(() => heap.free(pointer)).toThrow(`nothing was allocated at ${pointer}`);
  });

  test("shows what was written before it grew", () => {
    const heap = new Heap(64 * wasmPage, shared);
    const pointer = heap.allocate(16);
    const before = heap.f32(pointer, 4);
    before.set([1, 2, 3, 4]);
    heap.allocate(40 * wasmPage);
    expect([...heap.f32(pointer, 4)]).toEqual([1, 2, 3, 4]);
    expect([...heap.u8(pointer + 2, 2)]).toEqual([128, 63]);
    expect([heap.u32(pointer, 4)[1], heap.i32(pointer, 4)[1]]).toEqual([0x40000000, 0x40000000]);
    // An unshared memory takes its old buffer away; a shared one keeps both.
    expect(before.length).toBe(shared ? 4 : 0);
  });

  test("never gives a byte twice, and all of them again, whatever the order", () => {
    const random = createRandom(7);
    const heap = new Heap(64 * wasmPage, shared);
    const taken: { start: number; end: number; mark: number }[] = [];
    let [refused, overwritten] = [0, 0];
    for (let step = 1; step <= 3000; step++) {
      const freed = taken.length > 0 && random.integer(5) < 2 ? taken.splice(random.integer(taken.length), 1)[0] : undefined;
      if (freed) {
        // Nobody else has written there.
        if (heap.u8(freed.start, 1)[0] !== freed.mark || heap.u8(freed.end - 1, 1)[0] !== freed.mark) overwritten++;
        heap.free(freed.start);
        continue;
      }
      const bytes = 1 + random.integer(random.integer(4) === 0 ? wasmPage : 2000);
      const alignment = [1, 4, 64, 100, 3200][random.integer(5)] ?? 1;
      let start: number;
      try {
        start = heap.allocate(bytes, alignment);
      } catch (error) {
        if (!isLongtabError(error) || error.code !== "out-of-memory") throw error;
        refused++;
        continue;
      }
      expect(start % alignment).toBe(0);
      expect(start).toBeGreaterThanOrEqual(reserved);
      expect(start + bytes).toBeLessThanOrEqual(heap.bytes);
      expect(taken.find((other) => start < other.end && start + bytes > other.start)).toBeUndefined();
      heap.u8(start, bytes).fill(step % 251);
      taken.push({ start, end: start + bytes, mark: step % 251 });
    }
    expect(overwritten).toBe(0);
    expect(refused).toBeGreaterThan(0);
    expect(heap.bytes).toBe(heap.limit);
    for (const { start } of taken) heap.free(start);
    expect(heap.allocate(heap.limit - reserved, 1)).toBe(reserved);
  });
});

test("a memory beyond 32-bit addresses is limited to what they reach", () => {
  expect(new Heap(2 ** 33, false).limit).toBe(2 ** 32 - wasmPage);
});

test("a memory that cannot be had is out of memory", () => {
  expect(() => new Heap(0, false)).toThrow(expect.objectContaining({ code: "out-of-memory" }));
});
