import { expect, test } from "vitest";
import { partsOf } from "./cache-parts.ts";

const nothing = { sink: 0, recent: 0, kept: 0, away: 0, far: 0, quantised: 0, forgotten: 0 };

test("an empty cache has no parts", () => {
  expect(partsOf({ tokens: 0, bytes: 0, pages: nothing })).toEqual([]);
});

test("what is far is a part of its own, and no longer of what is kept", () => {
  const pages = { ...nothing, sink: 10, recent: 20, kept: 50, away: 0, far: 30, quantised: 70, forgotten: 20 };
  expect(partsOf({ tokens: 1000, bytes: 8000, pages })).toEqual([
    { kind: "sink", tokens: 100, bytes: 1000 },
    { kind: "far", tokens: 300, bytes: 3000 },
    { kind: "kept", tokens: 200, bytes: 2000 },
    { kind: "recent", tokens: 200, bytes: 2000 },
    { kind: "forgotten", tokens: 200, bytes: 0 },
  ]);
});

test("what is away takes no memory here, and is no part of what is kept or far", () => {
  const pages = { ...nothing, sink: 10, recent: 20, kept: 150, away: 100, far: 120 };
  expect(partsOf({ tokens: 1800, bytes: 8000, pages })).toEqual([
    { kind: "sink", tokens: 100, bytes: 1000 },
    { kind: "away", tokens: 1000, bytes: 0 },
    { kind: "far", tokens: 200, bytes: 2000 },
    { kind: "kept", tokens: 300, bytes: 3000 },
    { kind: "recent", tokens: 200, bytes: 2000 },
  ]);
});

test("an answer that was stored before pages could be away has none that are", () => {
  const { away: _, ...pages } = { ...nothing, sink: 1, recent: 3, kept: 6 };
  expect(partsOf({ tokens: 100, bytes: 1000, pages })).toEqual([
    { kind: "sink", tokens: 10, bytes: 100 },
    { kind: "kept", tokens: 60, bytes: 600 },
    { kind: "recent", tokens: 30, bytes: 300 },
  ]);
});

test("parts add up to all that was read, and their bytes to all that is held", () => {
  const parts = partsOf({ tokens: 777, bytes: 999, pages: { ...nothing, sink: 1, recent: 3, kept: 7, away: 0, far: 2, forgotten: 13 } });
  expect(parts.reduce((sum, { tokens }) => sum + tokens, 0)).toBeCloseTo(777);
  expect(parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(999);
});

test("where all was let go, nothing is divided by nothing", () => {
  expect(partsOf({ tokens: 16, bytes: 0, pages: { ...nothing, forgotten: 5 } })).toEqual([{ kind: "forgotten", tokens: 16, bytes: 0 }]);
});
