import { describe, expect, test } from "vitest";
import type { Kind } from "./cache-parts.ts";
import { squaresOf } from "./page-squares.ts";

const part = (kind: Kind, tokens: number) => ({ kind, tokens, bytes: 0 });
const counts = (squares: readonly Kind[]) =>
  Object.fromEntries(["sink", "far", "kept", "recent", "forgotten"].map((kind) => [kind, squares.filter((one) => one === kind).length]));

describe("squares", () => {
  test("of a short conversation are its pages", () => {
    expect(squaresOf([part("kept", 80)], 120)).toEqual({ tokensEach: 16, squares: ["kept", "kept", "kept", "kept", "kept"] });
  });

  test("of a long one are as many tokens as make a round number, the parts in their order and none of them lost", () => {
    const { tokensEach, squares } = squaresOf(
      [part("sink", 16), part("far", 9000), part("kept", 5000), part("recent", 256), part("forgotten", 3000)],
      120,
    );
    expect(tokensEach).toBe(256);
    expect(counts(squares)).toEqual({ sink: 1, far: 35, kept: 20, recent: 1, forgotten: 12 });
    expect(squares.toSorted()).not.toEqual(squares);
    expect([squares[0], squares.at(-1)]).toEqual(["sink", "forgotten"]);
  });

  test.each([1, 16, 17, 1000, 65_536, 1e6, 123_456_789])("are never more than there is room for: %d tokens", (tokens) => {
    const kinds: Kind[] = ["sink", "far", "kept", "recent", "forgotten"];
    const parts = kinds.map((kind, index) => part(kind, (tokens * (index + 1)) / 15));
    expect(squaresOf(parts, 120).squares.length).toBeLessThanOrEqual(120);
  });
});
