import { createRandom } from "@longtab/formats/testing";
import { describe, expect, it } from "vitest";
import { DraftLookUp } from "./look-up.ts";

function after(text: readonly number[]): DraftLookUp {
  const lookUp = new DraftLookUp(Uint32Array.from(text));
  lookUp.extend(text.length);
  return lookUp;
}

function found(text: readonly number[], most = 3): number[] | undefined {
  const draft = after(text).find(most);
  return draft && [...draft.ids];
}

/** By trying every place: the latest earlier occurrence of the last 4, 3 or 2 ids, and what came after it. */
function slowly(text: readonly number[], most: number): { matched: number; ids: number[] } | undefined {
  for (const matched of [4, 3, 2]) {
    for (let end = text.length - 1; end >= matched; end--) {
      if (text.slice(end - matched, end).join() !== text.slice(-matched).join()) continue;
      const repeated = [...text];
      for (let index = 0; index < most; index++) repeated.push(repeated[end + index] ?? NaN);
      return { matched, ids: repeated.slice(text.length) };
    }
  }
  return undefined;
}

describe("a look-up", () => {
  it("finds what followed the last ids", () => {
    expect(found([1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4])).toEqual([5, 6, 7]);
    expect(found([1, 2, 9, 8, 7, 1, 2])).toEqual([9, 8, 7]);
  });

  it("prefers the longer match, and of equals the later", () => {
    expect(found([1, 2, 3, 50, 9, 2, 3, 60, 1, 2, 3], 1)).toEqual([50]);
    expect(found([2, 3, 50, 9, 2, 3, 60, 1, 2, 3], 1)).toEqual([60]);
  });

  it("goes on with a repetition beyond its end", () => {
    expect(found([9, 1, 2, 1, 2, 1, 2], 5)).toEqual([1, 2, 1, 2, 1]);
    expect(found([7, 7, 7], 4)).toEqual([7, 7, 7, 7]);
  });

  it("finds nothing where nothing occurred before, and in the shortest texts", () => {
    for (const text of [[], [1], [1, 1], [1, 2, 3, 4, 5], [1, 2, 3, 1]]) expect(found(text)).toBeUndefined();
    expect(after([1, 1, 1]).find(0)).toBeUndefined();
  });

  it("agrees with a search of every place while a text grows and shrinks", () => {
    const random = createRandom(4);
    const ids = new Uint32Array(400);
    const lookUp = new DraftLookUp(ids);
    let drafts = 0;
    for (let round = 0; round < 3000; round++) {
      const shorter = random.integer(12) === 0 ? random.integer(lookUp.length + 1) : lookUp.length;
      lookUp.truncate(shorter);
      const added = Math.min(ids.length - shorter, random.integer(4));
      for (let index = 0; index < added; index++) ids[shorter + index] = random.integer(5);
      lookUp.extend(shorter + added);
      expect(lookUp.length).toBe(shorter + added);
      const draft = lookUp.find(4);
      const expected = slowly([...ids.subarray(0, lookUp.length)], 4);
      expect(draft && { matched: draft.matched, ids: [...draft.ids] }).toEqual(expected);
      drafts += Number(draft !== undefined);
    }
    expect(drafts).toBeGreaterThan(1000);
  });

  it("takes microseconds in a long text", { retry: 3 }, () => {
    const random = createRandom(5);
    // Words as often as in a text: a few very often, most of them rarely.
    const ids = Uint32Array.from({ length: 8192 }, () => Math.floor(49_152 * random.next() ** 8));
    const lookUp = new DraftLookUp(ids);
    // Again where the machine stood still meanwhile: the least of several times is what the code takes.
    const started = performance.now();
    let drafted = 0;
    for (let length = 1; length <= ids.length; length++) {
      lookUp.extend(length);
      drafted += lookUp.find(7)?.ids.length ?? 0;
    }
    expect(drafted).toBeGreaterThan(1000);
    // Measured: 1 µs. A search of the whole text would take a hundred times as long.
    expect((performance.now() - started) / ids.length).toBeLessThan(0.05);
  });
});
