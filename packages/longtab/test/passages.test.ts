import { describe, expect, it } from "vitest";
import { parseGguf, BytesSource } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { Tokenizer } from "@longtab/tokenizer";
import type { ChatMessage } from "../src/api.ts";
import { farRange, forgottenRange, notableRanges, PromptPlaces } from "../src/passages.ts";

const tokenizer = Tokenizer.fromMetadata((await parseGguf(new BytesSource(tinyModel()))).metadata);
const messages: ChatMessage[] = [
  { role: "user", content: "  What is in the box? 日本 👩‍👩‍👧‍👦\n" },
  { role: "assistant", content: "A cat." },
  { role: "user", content: "A cat." },
];
const ids = tokenizer.encodeChat(messages);
const places = new PromptPlaces(tokenizer, ids, messages);
const textOf = ({ message, start, end }: { message: number; start: number; end: number }) => messages[message]?.content.slice(start, end);

describe("places of tokens in messages", () => {
  it("all tokens cover every message, without the template around them", () => {
    expect(places.passages({ from: 0, to: ids.length }).map(textOf)).toEqual(["What is in the box? 日本 👩‍👩‍👧‍👦", "A cat.", "A cat."]);
  });

  it("equal messages keep their places", () => {
    expect(places.passages({ from: 0, to: ids.length }).map(({ message }) => message)).toEqual([0, 1, 2]);
  });

  it("single tokens in a row make up each message again", () => {
    const pieces = messages.map(() => "");
    for (let at = 0; at < ids.length; at++) {
      for (const passage of places.passages({ from: at, to: at + 1 }))
        pieces.splice(passage.message, 1, `${pieces[passage.message]}${textOf(passage)}`);
    }
    expect(pieces).toEqual(messages.map(({ content }) => content.trim()));
  });

  it("tokens of the template, none, and those beyond the end belong to no message", () => {
    expect(places.passages({ from: 0, to: 1 })).toEqual([]);
    expect(places.passages({ from: 5, to: 5 })).toEqual([]);
    expect(places.passages({ from: ids.length, to: ids.length + 16 })).toEqual([]);
  });

  it("a message that the template changed is left out, and the others are found", () => {
    const other: ChatMessage[] = [{ role: "user", content: "never written" }, ...messages.slice(1)];
    expect(new PromptPlaces(tokenizer, ids, other).passages({ from: 0, to: ids.length }).map(({ message }) => message)).toEqual([1, 2]);
  });
});

describe("what was read more than the rest", () => {
  it("is nothing where nothing was selected, or all alike", () => {
    expect(notableRanges(new Uint32Array(100), 1600)).toEqual([]);
    expect(notableRanges(new Uint32Array(100).fill(7), 1600)).toEqual([]);
    expect(notableRanges(new Uint32Array(0), 0)).toEqual([]);
  });

  it("joins neighbours, ends with the prompt and leaves the answer's own pages out", () => {
    const hits = new Uint32Array(40).fill(3);
    hits.set([90, 95], 10);
    hits[24] = 80;
    hits[30] = 99;
    expect(notableRanges(hits, 390)).toEqual([
      { from: 160, to: 192 },
      { from: 384, to: 390 },
    ]);
  });

  it("is not what lies near the end, which is always read more, nor what follows the beginning", () => {
    const rising = Uint32Array.from({ length: 100 }, (_, page) => 10 + page ** 2);
    expect(notableRanges(rising, 1600)).toEqual([]);
    rising.set([9000, 9000, 9000], 1);
    rising[50] = 9500;
    expect(notableRanges(rising, 1600)).toEqual([{ from: 800, to: 816 }]);
  });

  it("takes a neighbour along that was read half as much", () => {
    const hits = new Uint32Array(60).fill(10);
    hits.set([25, 60, 15], 30);
    expect(notableRanges(hits, 960)).toEqual([{ from: 480, to: 512 }]);
  });

  it("names a few passages at most, the most read ones", () => {
    const hits = Uint32Array.from({ length: 400 }, (_, page) => (page % 20 === 0 ? 1000 + page : 1));
    expect(notableRanges(hits, 6400).map(({ from }) => from / 16)).toEqual([320, 340, 360, 380]);
  });
});

describe("what is forgotten", () => {
  const everything = { sinks: 0, recent: 0, from: Infinity, keeps: Infinity, selects: false };
  const window = { sinks: 4, recent: 64, from: 0, keeps: 64, selects: false };

  it("is nothing where one head keeps everything, or before the window is full", () => {
    expect(forgottenRange([window, everything], 5000)).toEqual({ from: 4, to: 4 });
    expect(forgottenRange([window, window], 60)).toEqual({ from: 4, to: 4 });
  });

  it("lies between the sinks and the pages that are kept, for the head that keeps most", () => {
    // The last token's page is 62; the four before it are kept, or eight by the other head.
    expect(forgottenRange([window], 1000)).toEqual({ from: 4, to: 58 * 16 });
    expect(forgottenRange([window, { ...window, sinks: 16, keeps: 128 }], 1000)).toEqual({ from: 16, to: 54 * 16 });
  });
});

describe("what is far back", () => {
  const selection = { farStart: 0, farFrom: 511 };

  it("is nothing without far memory, or within the trained window", () => {
    expect(farRange({ farStart: Infinity, farFrom: Infinity }, { from: 4, to: 4 }, 5000)).toEqual({ from: 4, to: 4 });
    expect(farRange(selection, { from: 16, to: 16 }, 512)).toEqual({ from: 16, to: 16 });
  });

  it("lies between what is forgotten and the trained window", () => {
    expect(farRange(selection, { from: 16, to: 320 }, 2000)).toEqual({ from: 320, to: 2000 - 512 });
    expect(farRange(selection, { from: 16, to: 1900 }, 2000)).toEqual({ from: 1900, to: 1900 });
  });
});
