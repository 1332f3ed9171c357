import { describe, expect, test } from "vitest";
import { liveStats } from "./answer-stats.ts";
import { CHAT_DEFAULTS } from "./chat-settings.ts";
import { contentOf, fileName, fileParts, FORMAT, isConversationFile, toFile, toMarkdown, VERSION } from "./conversation-file.ts";
import { readFiled, readHeader } from "./conversation-file-reader.ts";
import { type Answer, ask, askBeside, type Conversation, createConversation, rename } from "./conversation.ts";
import { showExchange } from "./branches.ts";

const attachments = [{ id: "t1", name: "book.txt", characters: 16 }];
const answer: Answer = {
  text: "The sky is **blue**.",
  end: "length",
  stats: {
    tokens: 5,
    tokensPerSecond: 12.5,
    firstToken: 0.4,
    prompt: { tokens: 30, cached: 10, seconds: 0.3 },
    cache: { tokens: 35, bytes: 1000, pages: { sink: 1, recent: 1, kept: 0, away: 0, far: 0, quantised: 0, forgotten: 0 } },
  },
  looked: [{ exchangeId: "e1", part: "question", start: 0, end: 3 }],
};

/** Two branches, of which the first is shown; settings, attachments, answers of several ends. */
function rich(): Conversation {
  const brief = { ...CHAT_DEFAULTS, systemPrompt: "Be brief.", temperature: 0.3, context: "dense" as const };
  let conversation = ask(createConversation("c1", 1000), { id: "e1", question: "Why?", attachments, answer }, brief, 2000);
  conversation = askBeside(
    conversation,
    "e1",
    { id: "e2", question: "Why not?", answer: { text: "", end: "failed", problem: { code: "internal", what: "It broke" } } },
    3000,
  );
  conversation = ask(conversation, { id: "e3", question: "And 日本 \ud83d\ude00?", answer: null }, brief, 4000);
  return { ...showExchange(conversation, "e1"), title: "Mine", named: true, pinned: true };
}

const write = (...conversations: Conversation[]): string =>
  [
    ...fileParts(
      conversations.map((one) => toFile(one, (id) => (id === "t1" ? "Call me Ishmael." : undefined))),
      new Date(0),
    ),
  ].join("");
const read = (json: string) => readHeader(json).map((value, index) => readFiled(value, `conversations[${index}]`));

describe("a file of conversations", () => {
  test("is JSON with its format, its version and one conversation a line", () => {
    const json = write(rich(), rich());
    expect(JSON.parse(json)).toMatchObject({ format: FORMAT, version: VERSION, exportedAt: "1970-01-01T00:00:00.000Z" });
    expect(json.trim().split("\n")).toHaveLength(4);
    expect(readHeader(write())).toEqual([]);
  });

  test("is read again however long a title the page made, and however quickly an answer was stopped", () => {
    const family = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}";
    const stopped: Answer = { text: "One two three", end: "stopped", ...liveStats(3, 0, 0) };
    const conversation = ask(createConversation("c1", 1), { id: "e1", question: family.repeat(60), answer: stopped }, CHAT_DEFAULTS, 2);
    expect(read(write(conversation))[0]?.conversation.title).toBe(conversation.title);
    expect(read(write(rename(conversation, `a${"\u0301".repeat(2000)}`)))).toHaveLength(1);
  });

  test("gives back every word, every branch, the settings and the attached texts; not what belongs to the device", () => {
    const before = rich();
    const [after] = read(write(before));
    const { cache: _, ...stats } = answer.stats ?? { tokens: 0, tokensPerSecond: 0 };
    const [first, ...rest] = before.exchanges;
    expect(after?.conversation).toEqual({
      ...before,
      id: "",
      exchanges: [{ ...first, answer: { text: answer.text, end: answer.end, stats } }, ...rest],
    });
    expect(after?.texts).toEqual(new Map([["t1", "Call me Ishmael."]]));
  });

  test("is the same content after it was read, whatever the ids, the title and the settings; and another one after one more word", () => {
    const before = rich();
    const [after] = read(write(before));
    const content = after && contentOf({ ...after.conversation, title: "Other", settings: CHAT_DEFAULTS });
    expect(content).toBe(contentOf(before));
    expect(contentOf({ ...before, createdAt: 1001 })).not.toBe(content);
    expect(contentOf(ask(before, { id: "e9", question: "more", answer: null }, CHAT_DEFAULTS, 9))).not.toBe(content);
  });

  test("is known by its beginning", async () => {
    expect(await isConversationFile(new Blob([write(rich())]))).toBe(true);
    expect(await isConversationFile(new Blob(['{"format":"other"}']))).toBe(false);
    expect(await isConversationFile(new Blob([]))).toBe(false);
  });

  test("has a name that every file system takes", () => {
    expect(fileName("Why? A/B: “x” <1>", "md")).toBe("Why-A-B-x-1.md");
    expect(fileName("../../etc", "json")).toBe("etc.json");
    expect(fileName("日本語の話", "md")).toBe("日本語の話.md");
    expect(fileName("?!", "md")).toBe("conversation.md");
    expect(fileName("x".repeat(500), "md")).toHaveLength(63);
  });
});

test("Markdown has what is shown, names what was attached, and leaves out the other branch", () => {
  expect(toMarkdown(rich())).toBe(
    "# Mine\n\n*1970-01-01*\n\n## System prompt\n\nBe brief.\n\n## You\n\n*Attached: book.txt, 16 characters, not part of this file.*\n\n" +
      "Why?\n\n## Answer\n\nThe sky is **blue**.\n",
  );
});

describe("a file that is not what it must be", () => {
  const exchange = { id: "a", parent: null, question: "q", answer: null };
  const good = { title: "t", named: false, createdAt: 1, updatedAt: 1, exchanges: [exchange] };
  const wrong = (change: object) => () => readFiled({ ...good, ...change }, "conversations[0]");
  const inExchange = (change: object) => wrong({ exchanges: [{ ...exchange, ...change }] });
  const withCode = (code: string, what: string) =>
    expect.objectContaining({ code, what: expect.stringContaining(what) as string }) as Error;

  test.each([
    ["", "not JSON"],
    ["{", "not JSON"],
    ["null", "The file is not what it must be"],
    ["[]", "The file is not what it must be"],
    ["{}", "not a file of conversations"],
    ['{"format":"other"}', "not a file of conversations"],
    [`{"format":"${FORMAT}","version":1}`, "conversations is not what it must be"],
    [`{"format":"${FORMAT}","version":1,"conversations":{"length":1}}`, "conversations is not what it must be"],
  ])("%j is refused as a whole: %s", (json, what) => {
    expect(() => readHeader(json)).toThrow(withCode("file-malformed", what));
  });

  test("another version is refused with both", () => {
    expect(() => readHeader(`{"format":"${FORMAT}","version":2,"conversations":[]}`)).toThrow(
      expect.objectContaining({ code: "unsupported-version", value: "version 2", limit: "version 1" }) as Error,
    );
  });

  test("more conversations than anybody has had are refused with the count and the limit", () => {
    const json = `{"format":"${FORMAT}","version":1,"conversations":[${"0,".repeat(20_000)}0]}`;
    expect(() => readHeader(json)).toThrow(
      expect.objectContaining({ code: "file-limit", value: "20,001 entries", limit: "20,000 entries" }) as Error,
    );
  });

  test.each([
    ["conversations[0].title", wrong({ title: 7 })],
    ["conversations[0].createdAt", wrong({ createdAt: "yesterday" })],
    ["conversations[0].createdAt", wrong({ createdAt: -1 })],
    ["conversations[0].updatedAt", wrong({ updatedAt: null })],
    ["conversations[0].settings", wrong({ settings: [] })],
    ["conversations[0].exchanges", wrong({ exchanges: null })],
    ["conversations[0].exchanges[0]", wrong({ exchanges: [null] })],
    ["conversations[0].exchanges[1].id", wrong({ exchanges: [exchange, exchange] })],
    ["conversations[0].exchanges[0].id", inExchange({ id: "" })],
    ["conversations[0].exchanges[0].parent", inExchange({ parent: "a" })],
    ["conversations[0].exchanges[0].parent", inExchange({ parent: undefined })],
    ["conversations[0].exchanges[0].question", inExchange({ question: ["q"] })],
    ["conversations[0].exchanges[0].answer", inExchange({ answer: "a" })],
    ["conversations[0].exchanges[0].answer.end", inExchange({ answer: { text: "a", end: "never" } })],
    ["conversations[0].exchanges[0].answer.stats.tokens", inExchange({ answer: { text: "a", end: "complete", stats: {} } })],
    ["conversations[0].exchanges[0].answer.problem.what", inExchange({ answer: { text: "a", end: "failed", problem: { code: "x" } } })],
    ["conversations[0].exchanges[0].attachments[0].name", inExchange({ attachments: [{ id: "t", characters: 1 }] })],
  ])("a wrong %s is named, with what it is and what it should be", (path, reading) => {
    expect(reading).toThrow(withCode("file-malformed", `${path} is not what it must be`));
  });

  test.each([
    ["title", wrong({ title: "x".repeat(1002) }), "1,001 characters"],
    ["createdAt", wrong({ createdAt: 1e300 }), (8.64e15).toLocaleString("en")],
    ["exchanges", wrong({ exchanges: Array.from({ length: 10_001 }, () => exchange) }), "10,000 entries"],
    ["exchanges[0].question", inExchange({ question: "x".repeat(4_000_001) }), "4,000,000 characters"],
    ["exchanges[0].attachments", inExchange({ attachments: Array.from({ length: 101 }, () => ({})) }), "100 entries"],
  ])("a %s beyond its limit is refused with it", (path, reading, limit) => {
    expect(reading).toThrow(expect.objectContaining({ code: "file-limit", what: `conversations[0].${path} is too large`, limit }) as Error);
  });

  test("settings out of range are brought into it, and what is not known is left out", () => {
    const { conversation } = readFiled(
      {
        ...good,
        settings: { temperature: 99, context: "far", seed: "x" },
        chosen: { "": "nowhere", a: "a" },
        texts: { other: "x" },
        extra: 1,
        __proto__: null,
      },
      "c",
    );
    expect(conversation).toEqual({ ...good, id: "", chosen: {}, settings: { ...CHAT_DEFAULTS, temperature: 2 } });
  });

  test("choices by the hundred thousand are read in time that grows with their number alone", () => {
    const exchanges = Array.from({ length: 10_000 }, (_, index) => ({ ...exchange, id: `e${index}` }));
    const chosen = Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`nobody${index}`, `nothing${index}`]));
    const before = process.cpuUsage();
    const { conversation } = readFiled({ ...good, exchanges, chosen: { ...chosen, "": "e7" } }, "c");
    // Microseconds of this process, however busy the machine is: half a second, where a look at every exchange for each choice takes many.
    expect(process.cpuUsage(before).user).toBeLessThan(5e6);
    expect(conversation.chosen).toEqual({ "": "e7" });
  });

  test("an own __proto__ and a lone surrogate do no harm", () => {
    const json = JSON.stringify({ ...good, exchanges: [{ ...exchange, question: "a\ud800b" }] }).replace(
      "{",
      '{"__proto__":{"pinned":true},"chosen":{"__proto__":"a"},',
    );
    const { conversation } = readFiled(JSON.parse(json), "c");
    expect(conversation.pinned).toBeUndefined();
    expect(conversation.exchanges[0]?.question).toBe("a\ufffdb");
    expect(Object.keys(conversation.chosen ?? {})).toEqual([]);
  });
});
