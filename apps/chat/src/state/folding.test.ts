import { describe, expect, test } from "vitest";
import { findFolded, fold } from "./folding.ts";

describe("folding", () => {
  test.each([
    ["Résumé", "resume"],
    ["ÅNGSTRÖM", "angstrom"],
    ["Straße", "strasse"],
    ["ΟΔΟΣ", "οδος"],
    ["οδός", "οδοσ"],
    ["ﬁne", "fine"],
    ["日本語", "日本語"],
    ["كِتَاب", "كتاب"],
  ])("%s becomes what %s becomes", (text, same) => {
    expect(fold(text)).toBe(fold(same));
  });
});

describe("finding", () => {
  test.each([
    ["Le résumé est là", "resume", "résumé"],
    ["👩‍👩‍👧‍👦 Grüße aus Köln", "koln", "Köln"],
    ["Die Straße", "strasse", "Straße"],
    ["cafe\u0301 noir", "cafe n", "cafe\u0301 n"],
  ])("in %j the words %j are %j", (text, query, found) => {
    const { start, end } = findFolded(text, fold(query)) ?? { start: 0, end: 0 };
    expect(text.slice(start, end)).toBe(found);
  });

  test("what is not there, and nothing, is not found", () => {
    expect(findFolded("abc", "d")).toBeUndefined();
    expect(findFolded("abc", "")).toBeUndefined();
  });
});
