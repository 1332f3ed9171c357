import { describe, expect, test } from "vitest";
import { CHAT_DEFAULTS } from "./chat-settings.ts";
import {
  type Answer,
  ask,
  askBeside,
  type Conversation,
  createConversation,
  earliestToRemove,
  pathOf,
  reinsert,
  removeExchanges,
  rename,
  setAnswer,
  showing,
} from "./conversation.ts";
import { titleFrom, UNTITLED } from "./titles.ts";

const answer = (text: string): Answer => ({ text, end: "complete" });

/** A conversation of questions q1, q2, ... with answers a1, a2, ... */
function conversationOf(count: number): Conversation {
  let conversation = createConversation("c", 0);
  for (let n = 1; n <= count; n++) {
    conversation = ask(conversation, { id: `e${n}`, question: `q${n}`, answer: null }, CHAT_DEFAULTS, n);
    conversation = setAnswer(conversation, `e${n}`, answer(`a${n}`), n);
  }
  return conversation;
}

const questions = (conversation: Conversation) => pathOf(conversation).map(({ question }) => question);

describe("changes", () => {
  test("a question is appended and the conversation takes its name from the first", () => {
    const conversation = conversationOf(2);
    expect(questions(conversation)).toEqual(["q1", "q2"]);
    expect(conversation).toMatchObject({ title: "q1", updatedAt: 2, createdAt: 0 });
  });

  test("a conversation takes the settings that hold when its first question is asked, and keeps them", () => {
    const brief = { ...CHAT_DEFAULTS, systemPrompt: "Be brief." };
    const begun = ask(createConversation("c", 0), { id: "e1", question: "q", answer: null }, brief, 1);
    const more = ask(begun, { id: "e2", question: "q", answer: null }, CHAT_DEFAULTS, 2);
    expect([begun.settings, more.settings]).toEqual([brief, brief]);
  });

  test("an edited question stands beside the first, is shown, and nothing is lost", () => {
    const before = conversationOf(3);
    const conversation = askBeside(before, "e2", { id: "e4", question: "other", answer: null }, 9);
    expect(questions(conversation)).toEqual(["q1", "other"]);
    expect(conversation.exchanges).toEqual([...before.exchanges, { id: "e4", parent: "e1", question: "other", answer: null }]);
  });

  test("an edited first question renames the conversation", () => {
    expect(askBeside(conversationOf(1), "e1", { id: "e2", question: "Other words", answer: null }, 9).title).toBe("Other words");
  });

  test("a question without words is titled by what is attached", () => {
    const attachments = [{ id: "a", name: "book.txt", characters: 9 }];
    const asked = ask(createConversation("c", 0), { id: "e1", question: "", attachments, answer: null }, CHAT_DEFAULTS, 1);
    expect(asked.title).toBe("book.txt");
  });

  test("changes to an exchange that is gone change nothing", () => {
    const conversation = conversationOf(2);
    expect(askBeside(conversation, "e9", { id: "e3", question: "x", answer: null }, 9)).toBe(conversation);
    expect(setAnswer(conversation, "e9", answer("x"), 9)).toBe(conversation);
  });

  test("an exchange leaves with its answer", () => {
    expect(questions(removeExchanges(conversationOf(3), ["e2"], 9))).toEqual(["q1", "q3"]);
    expect(questions(removeExchanges(conversationOf(3), ["e1", "e2"], 9))).toEqual(["q3"]);
  });

  test("what followed a removed exchange is shown still, beside the other versions of it", () => {
    const edited = askBeside(conversationOf(3), "e2", { id: "e4", question: "other", answer: null }, 9);
    const back = showing(edited, [{ id: "e2" }]);
    expect(questions(back)).toEqual(["q1", "q2", "q3"]);
    const without = removeExchanges(back, ["e2"], 10);
    expect(questions(without)).toEqual(["q1", "q3"]);
    expect(questions(showing(without, [{ id: "e4" }]))).toEqual(["q1", "other"]);
  });

  test("a removed branch comes back as it was", () => {
    const edited = askBeside(conversationOf(3), "e2", { id: "e4", question: "other", answer: null }, 9);
    const without = removeExchanges(edited, ["e1", "e4"], 10);
    expect(questions(without)).toEqual(["q2", "q3"]);
    const back = reinsert(without, edited, 9);
    expect(questions(back)).toEqual(["q1", "other"]);
    expect(questions(showing(back, [{ id: "e2" }]))).toEqual(["q1", "q2", "q3"]);
  });

  test("removed exchanges come back in their places, and later ones stay", () => {
    const before = conversationOf(3);
    const without = removeExchanges(before, ["e1", "e2"], 9);
    const since = ask(without, { id: "e4", question: "q4", answer: null }, CHAT_DEFAULTS, 10);
    expect(questions(reinsert(since, before, 11))).toEqual(["q1", "q2", "q3", "q4"]);
  });

  test("bringing back keeps an answer that was renewed meanwhile", () => {
    const before = conversationOf(2);
    const renewed = setAnswer(removeExchanges(before, ["e1"], 9), "e2", answer("new"), 10);
    expect(reinsert(renewed, before, 11).exchanges[1]?.answer?.text).toBe("new");
  });

  test("values are never changed in place", () => {
    const conversation = conversationOf(2);
    const copy = structuredClone(conversation);
    askBeside(conversation, "e1", { id: "e3", question: "x", answer: null }, 9);
    removeExchanges(conversation, ["e1"], 9);
    rename(conversation, "x");
    expect(conversation).toEqual(copy);
  });
});

describe("titles", () => {
  test("the first line with words is the title, its spaces collapsed", () => {
    expect(titleFrom("\n \n  Hello \t there \nmore")).toBe("Hello there");
  });

  test("a text without words has none", () => {
    expect(titleFrom(" \n\t\n")).toBe(UNTITLED);
    expect(titleFrom("\n".repeat(10_000))).toBe(UNTITLED);
  });

  test("a long line is cut at a word, without a stop before the ellipsis", () => {
    expect(titleFrom("Tell me about the tides, the moon and everything, and then some more")).toBe(
      "Tell me about the tides, the moon and…",
    );
  });

  test("a family of emoji is never cut in two", () => {
    const family = "👩‍👩‍👧‍👦";
    expect(titleFrom(family.repeat(60))).toBe(`${family.repeat(48)}…`);
  });

  test("lone surrogates become replacement characters", () => {
    expect(titleFrom("a\ud800b")).toBe("a\ufffdb");
  });

  test("a megabyte on one line costs no more than its beginning", () => {
    expect(titleFrom("x".repeat(1_000_000))).toBe(`${"x".repeat(48)}…`);
  });

  test("a chosen name stays when the first question changes, and an empty one gives way to it", () => {
    const named = rename(conversationOf(1), "Mine");
    expect(askBeside(named, "e1", { id: "e2", question: "x", answer: null }, 9).title).toBe("Mine");
    expect(rename(named, "  ").title).toBe("q1");
    expect(rename(named, "  ").named).toBe(false);
  });
});

describe("making room", () => {
  test("half of the text goes, the earliest first", () => {
    expect(earliestToRemove(conversationOf(4), 0.5)).toEqual(["e1", "e2"]);
  });

  test("one long first exchange is enough", () => {
    const conversation = ask(createConversation("c", 0), { id: "e1", question: "x".repeat(1000), answer: null }, CHAT_DEFAULTS, 1);
    const longer = ask(
      ask(conversation, { id: "e2", question: "q2", answer: null }, CHAT_DEFAULTS, 3),
      { id: "e3", question: "q3", answer: null },
      CHAT_DEFAULTS,
      4,
    );
    expect(earliestToRemove(longer, 0.5)).toEqual(["e1"]);
  });

  test("the last exchange stays whatever its size, and at least one goes where there are two", () => {
    const conversation = ask(conversationOf(1), { id: "e2", question: "x".repeat(1000), answer: null }, CHAT_DEFAULTS, 3);
    expect(earliestToRemove(conversation, 0.5)).toEqual(["e1"]);
    expect(earliestToRemove(conversationOf(1), 0.5)).toEqual([]);
    expect(earliestToRemove(conversationOf(0), 0.5)).toEqual([]);
  });
});
