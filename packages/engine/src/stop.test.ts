import { createRandom } from "@longtab/formats/testing";
import { describe, expect, test } from "vitest";
import { StopMatcher } from "./stop.ts";

/** What is shown piece by piece, the flush at the end last, and whether it stopped. */
function shown(stops: readonly string[], pieces: readonly string[]): { pieces: string[]; stopped: boolean } {
  const matcher = new StopMatcher(stops);
  const texts: string[] = [];
  for (const piece of pieces) {
    const { text, stopped } = matcher.push(piece);
    texts.push(text);
    if (stopped) return { pieces: texts, stopped };
  }
  return { pieces: [...texts, matcher.flush()], stopped: false };
}

describe("StopMatcher", () => {
  test("shows everything at once without stop strings", () => {
    expect(shown([], ["a", "", "b"])).toEqual({ pieces: ["a", "", "b", ""], stopped: false });
    expect(shown([""], ["a", "b"])).toEqual({ pieces: ["a", "b", ""], stopped: false });
  });

  test("ends before a stop string inside a piece, and drops what follows it", () => {
    expect(shown(["END"], ["one END two"])).toEqual({ pieces: ["one "], stopped: true });
  });

  test("ends with nothing when the text begins with a stop string", () => {
    expect(shown(["END"], ["END of it"])).toEqual({ pieces: [""], stopped: true });
  });

  test("finds a stop string that spans pieces", () => {
    expect(shown(["END"], ["one E", "N", "D two"])).toEqual({ pieces: ["one ", "", ""], stopped: true });
  });

  test("holds back no more than could begin a stop string, and shows it when it does not", () => {
    expect(shown(["END"], ["one EN", "X", " two E"])).toEqual({ pieces: ["one ", "ENX", " two ", "E"], stopped: false });
  });

  test("finds a stop string whose beginning repeats", () => {
    expect(shown(["aab"], ["aa", "a", "b"])).toEqual({ pieces: ["", "a", ""], stopped: true });
  });

  test("ends at the one of several that is complete first", () => {
    expect(shown(["three", "two"], ["one two three"])).toEqual({ pieces: ["one "], stopped: true });
    expect(shown(["bcd", "abcdef"], ["abc", "d"])).toEqual({ pieces: ["", "a"], stopped: true });
  });

  test("finds characters outside the basic plane", () => {
    expect(shown(["👩‍🚀!"], ["go 👩", "‍🚀", "!", " on"])).toEqual({ pieces: ["go ", "", ""], stopped: true });
    expect(shown(["👩‍🚀"], ["go 👩", "‍🔬"])).toEqual({ pieces: ["go ", "👩‍🔬", ""], stopped: false });
    expect(shown(["ы"], ["мысль"])).toEqual({ pieces: ["м"], stopped: true });
  });

  test("gives the same text however the text is cut", () => {
    const random = createRandom(7);
    for (let round = 0; round < 500; round++) {
      const text = Array.from({ length: 40 }, () => random.pick(["a", "b", "c"])).join("");
      const stops = [text.slice(20, 20 + 1 + random.integer(6)), "abcabc", "ccc"];
      const cut: string[] = [];
      for (let at = 0; at < text.length;) cut.push(text.slice(at, (at += 1 + random.integer(5))));
      const found = stops
        .filter((stop) => text.includes(stop))
        .map((stop) => ({ start: text.indexOf(stop), end: text.indexOf(stop) + stop.length }));
      const first = found.reduce((best, stop) =>
        stop.end < best.end || (stop.end === best.end && stop.start < best.start) ? stop : best,
      ).start;
      const result = shown(stops, cut);
      expect({ text: result.pieces.join(""), stopped: result.stopped }).toEqual({ text: text.slice(0, first), stopped: true });
    }
  });
});
