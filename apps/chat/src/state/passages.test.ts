import { describe, expect, test } from "vitest";
import { CHAT_DEFAULTS } from "./chat-settings.ts";
import { type Answer, ask, type Conversation, createConversation, setAnswer } from "./conversation.ts";
import { toPrompt } from "./messages.ts";
import { type Place, placesOf, viewBoundary } from "./passages.ts";

const attachments = [{ id: "a", name: "book.txt", characters: 9 }];

const stats = { tokens: 1, tokensPerSecond: 1, prompt: { tokens: 9, cached: 0, seconds: 1 } };

function talk(outOfView: Place[]): Conversation {
  let conversation = ask(createConversation("c", 0), { id: "e1", question: "first", attachments, answer: null }, CHAT_DEFAULTS, 1);
  conversation = setAnswer(conversation, "e1", { text: "one two", end: "complete" }, 2);
  conversation = ask(conversation, { id: "e2", question: "second", answer: null }, CHAT_DEFAULTS, 3);
  return setAnswer(conversation, "e2", { text: "three", end: "complete", outOfView, stats }, 4);
}

describe("passages in a conversation", () => {
  const { messages, origins } = toPrompt(talk([]), "System.", () => "the text.", { lastExchangeId: "e2" });

  test("a passage over several parts is cut at them", () => {
    const message = 1;
    const { length } = messages[message]?.content ?? "";
    expect(placesOf([{ message, start: 4, end: length - 2 }], origins)).toEqual([
      { exchangeId: "e1", part: { attachmentId: "a" }, start: 4, end: 9 },
      { exchangeId: "e1", part: "question", start: 0, end: 3 },
    ]);
  });

  test("an answer is a part of its exchange", () => {
    expect(placesOf([{ message: 2, start: 4, end: 7 }], origins)).toEqual([{ exchangeId: "e1", part: "answer", start: 4, end: 7 }]);
  });

  test("the system prompt, the space between parts and messages that there are none of have no place", () => {
    const passages = [
      { message: 0, start: 0, end: 7 },
      { message: 1, start: 9, end: 11 },
      { message: 99, start: 0, end: 5 },
    ];
    expect(placesOf(passages, origins)).toEqual([]);
  });
});

describe("where the view begins", () => {
  test("nowhere, where all is in view or what is out of view was deleted", () => {
    expect(viewBoundary(talk([]), "outOfView")).toBeNull();
    expect(viewBoundary(talk([{ exchangeId: "gone", part: "question", start: 0, end: 5 }]), "outOfView")).toBeNull();
  });

  test("by the last answer that knows: one that sees all again, or one that was broken off and does not know", () => {
    const place: Place = { exchangeId: "e1", part: "answer", start: 0, end: 7 };
    const asked = (answer: Answer) =>
      setAnswer(ask(talk([place]), { id: "e3", question: "third", answer: null }, CHAT_DEFAULTS, 5), "e3", answer, 6);
    expect(viewBoundary(asked({ text: "all", end: "complete", stats }), "outOfView")).toBeNull();
    expect(viewBoundary(asked({ text: "al", end: "stopped" }), "outOfView")).toEqual({ exchangeId: "e2", partly: false });
    expect(viewBoundary(talk([place]), "farBack")).toBeNull();
  });

  test("within an exchange of which a part is out of view", () => {
    expect(viewBoundary(talk([{ exchangeId: "e1", part: { attachmentId: "a" }, start: 2, end: 9 }]), "outOfView")).toEqual({
      exchangeId: "e1",
      partly: true,
    });
    expect(viewBoundary(talk([{ exchangeId: "e1", part: "answer", start: 0, end: 3 }]), "outOfView")).toEqual({
      exchangeId: "e1",
      partly: true,
    });
  });

  test("at the exchange after one that is forgotten to its last word", () => {
    expect(viewBoundary(talk([{ exchangeId: "e1", part: "answer", start: 0, end: 7 }]), "outOfView")).toEqual({
      exchangeId: "e2",
      partly: false,
    });
  });
});
