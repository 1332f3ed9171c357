import { expect, test } from "vitest";
import { Heap } from "../src/heap.ts";
import { PageHits } from "../src/kv/index.ts";

const keeps = 512;

/** Counts a run of the page that holds `token`, as a step at `position` does. */
function count(heap: Heap, hits: PageHits, position: number, token: number): void {
  const page = Math.floor(token / 16);
  const counts = heap.u32(hits.pointer(position) + page * 4, 1);
  counts[0] = (counts[0] ?? 0) + 1;
}

/** Pages that were counted, and how often. */
function taken(hits: PageHits, length: number): number[][] {
  return [...hits.take(length)].flatMap((hit, page) => (hit > 0 ? [[page, hit]] : []));
}

test("counts are of the pages that steps name, however long a text was that was read before", () => {
  const heap = new Heap(2 ** 20, false);
  const before = heap.allocate(65_536);
  const hits = new PageHits(heap, keeps);
  heap.u8(before, 65_536).fill(0);

  count(heap, hits, 20_000, 19_990);
  count(heap, hits, 16_400, 16_399);
  expect(taken(hits, 20_001)).toEqual([
    [1024, 1],
    [1249, 1],
  ]);

  // A conversation that begins anew, and one that goes back as far as its pages reach.
  count(heap, hits, 100, 40);
  expect(taken(hits, 101)).toEqual([[2, 1]]);
  count(heap, hits, 20_000, 19_800);
  count(heap, hits, 15_000, 14_990);
  count(heap, hits, 15_001, 14_990);
  expect(taken(hits, 15_002)).toEqual([[936, 2]]);
  expect(heap.u8(before, 65_536).every((byte) => byte === 0)).toBe(true);
});
