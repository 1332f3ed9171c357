import { createRandom } from "@longtab/formats/testing";
import { describe, expect, test } from "vitest";
import { OutsidePages } from "../src/away/index.ts";
import { outsideRoom } from "../src/index.ts";
import { SlowDisk } from "./slow-disk.ts";

const pageBytes = 256;
const memory = 32 * 1024;

function makePage(index: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint32Array.from({ length: pageBytes / 4 }, (_, word) => index * 64 + word).buffer);
}

function isPage(bytes: Uint8Array | undefined, index: number): boolean {
  const expected = makePage(index);
  return bytes?.length === pageBytes && expected.every((byte, at) => byte === bytes[at]);
}

/** Adds pages as long as there is room, and at most so many; writing has its turn now and then. */
async function fill(outside: OutsidePages, count: number): Promise<number[]> {
  const pages: number[] = [];
  while (pages.length < count && outside.room) {
    pages.push(outside.add(makePage(pages.length)));
    if (pages.length % 8 === 0) await outside.written();
  }
  return pages;
}

async function expectAll(outside: OutsidePages, pages: readonly number[]): Promise<void> {
  for (const [index, page] of pages.entries()) expect(isPage(await outside.read(page), index)).toBe(true);
}

describe("pages outside", () => {
  test("are read as they were put, from memory at once and from a disk a little later", async () => {
    const disk = new SlowDisk(8 * memory);
    const outside = new OutsidePages(pageBytes, { memory, disk });
    const pages = await fill(outside, 1000);
    expect(pages).toHaveLength(1000);
    await outside.written();
    expect(outside.read(pages[0] ?? NaN)).toBeInstanceOf(Promise);
    expect(outside.read(pages[999] ?? NaN)).toBeInstanceOf(Uint8Array);
    await expectAll(outside, pages);
    expect(outside.bytes.memory).toBeLessThanOrEqual(memory);
    expect(outside.bytes.disk).toBeGreaterThan(1000 * pageBytes - 2 * memory);
  });

  test.each([
    [memory, 0],
    [memory, 3 * memory],
    [5000, 0],
    [1_000_000, 77_777],
  ])("have the room that is planned for %d bytes in memory and %d on a disk, whatever comes and goes", async (held, limit) => {
    const room = outsideRoom(pageBytes, { memory: held, disk: { limit } });
    const outside = new OutsidePages(pageBytes, { memory: held, disk: new SlowDisk(limit) });
    // The oldest go, as a conversation goes on.
    const pages: number[] = [];
    for (let index = 0; index < 3 * room + 100; index++) {
      if (pages.length === room) outside.release(pages.shift() ?? NaN);
      expect(outside.room).toBe(true);
      pages.push(outside.add(makePage(index)));
      if (index % 8 === 0) await outside.written();
    }
    for (const page of pages) outside.release(page);
    await outside.written();
    expect(outside.bytes).toEqual({ memory: 0, disk: 0 });
  });

  test("stay in memory where the disk refuses, until what it holds is given back", async () => {
    const disk = new SlowDisk(8 * memory);
    disk.full = 2 * memory;
    const outside = new OutsidePages(pageBytes, { memory, disk });
    const pages = await fill(outside, 10_000);
    expect(outside.room).toBe(false);
    expect(pages.length * pageBytes).toBeLessThanOrEqual(3 * memory + memory / 8);
    await expectAll(outside, pages);
    for (const page of pages.slice(0, pages.length / 2)) outside.release(page);
    await outside.written();
    expect(outside.room).toBe(true);
    const kept = pages.map((page, index) => ({ page, index })).slice(pages.length / 2);
    for (const { page, index } of kept) expect(isPage(await outside.read(page), index)).toBe(true);
  });

  test("are undefined where the disk has lost them", async () => {
    const disk = new SlowDisk(8 * memory);
    const outside = new OutsidePages(pageBytes, { memory, disk });
    const [first = NaN] = await fill(outside, 1000);
    await outside.written();
    disk.slabs.clear();
    expect(await outside.read(first)).toBeUndefined();
  });

  test("leave nothing on the disk when all are given back, in any order, or the whole is disposed", async () => {
    const random = createRandom(3);
    const disk = new SlowDisk(8 * memory);
    const outside = new OutsidePages(pageBytes, { memory, disk });
    const pages = await fill(outside, 800);
    while (pages.length > 0) outside.release(pages.splice(random.integer(pages.length), 1)[0] ?? NaN);
    await outside.written();
    expect([disk.slabs.size, outside.bytes]).toEqual([0, { memory: 0, disk: 0 }]);
    await fill(outside, 800);
    expect(disk.slabs.size).toBeGreaterThan(0);
    outside.dispose();
    expect(disk.slabs.size).toBe(0);
  });
});
