import { describe, expect, test } from "vitest";
import { dense, pageTokens } from "../src/index.ts";
import type { HeadPage } from "../src/index.ts";

const pages: HeadPage[] = [5, 2, 9].map((page, index) => ({ page, position: index * pageTokens }));

function written(held: readonly HeadPage[], from: number): { entries: Map<number, HeadPage>; length: number | undefined } {
  const entries = new Map<number, HeadPage>();
  let length: number | undefined;
  dense.writeList({ entry: (index, page) => entries.set(index, page), end: (count) => (length = count) }, held, from);
  return { entries, length };
}

describe("the dense policy", () => {
  test("lists every page whole, in order of position", () => {
    expect(written(pages, 0)).toEqual({ entries: new Map(pages.entries()), length: 3 });
  });

  test("writes only pages that are new", () => {
    expect(written(pages, 2)).toEqual({ entries: new Map([[2, pages[2]]]), length: 3 });
  });

  test("shortens a list without writing an entry", () => {
    expect(written(pages.slice(0, 1), 1)).toEqual({ entries: new Map(), length: 1 });
    expect(written([], 0)).toEqual({ entries: new Map(), length: 0 });
  });

  test.each([
    [1, 1],
    [16, 1],
    [17, 2],
    [8192, 512],
  ])("needs for a context of %d tokens a list of %d", (contextLength, entries) => {
    expect(dense.listCapacity(contextLength)).toBe(entries);
  });
});
