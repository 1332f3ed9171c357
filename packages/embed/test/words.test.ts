import { describe, expect, test } from "vitest";
import { Figures } from "../src/format.ts";
import type { StringName } from "../src/strings/strings.ts";
import { chooseLanguage, english, fetchStrings, fill } from "../src/strings/index.ts";

const languages = ["de", "fr", "es", "pt", "ar", "zh", "ja"];

describe("the widget's words", () => {
  test.each(languages)("are all there in %s, with the same words to be replaced", async (language) => {
    const strings = await fetchStrings(language);
    expect(Object.keys(strings)).toEqual(Object.keys(english));
    const braces = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).toSorted();
    for (const name of Object.keys(english) as StringName[]) {
      expect(strings[name].trim()).not.toBe("");
      expect(braces(strings[name])).toEqual(braces(english[name]));
    }
    expect(strings.private).not.toBe(english.private);
  });

  test.each([
    [["pt-BR", "en"], "pt"],
    [["nl", "ZH_hant", "de"], "zh"],
    [["en-GB", "de"], "en"],
    [["nl"], "en"],
    [["toString", "__proto__"], "en"],
    [[], "en"],
  ])("are chosen for %j: %s", (tags, language) => {
    expect(chooseLanguage(tags)).toBe(language);
  });

  test("have their words in braces replaced once, and others left", () => {
    expect(fill({ ...english, amount: "{done} of {size} {other}" }, "amount", { done: "{size}", size: "2" })).toBe("{size} of 2 {other}");
  });
});

describe("figures", () => {
  test.each([
    [512, "1 kB"],
    [98_362_432, "98 MB"],
    [1_234_567, "1.2 MB"],
    [999_600_000, "1 GB"],
    [4_700_000_000, "4.7 GB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(new Figures("en").bytes(bytes)).toBe(text);
  });

  test.each([
    [0.2, "1 second"],
    [7.1, "8 seconds"],
    [31, "35 seconds"],
    [61, "2 minutes"],
  ])("%d seconds are %s", (seconds, text) => {
    expect(new Figures("en").time(seconds)).toBe(text);
  });
});
