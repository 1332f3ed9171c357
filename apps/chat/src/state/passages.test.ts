import { describe, expect, test } from "vitest";
import { ask, type Conversation, createConversation, setAnswer } from "./conversation.ts";
import { toPrompt } from "./messages.ts";
import { type Place, placesOf, viewBoundary } from "./passages.ts";

const attachments = [{ id: "a", name: "book.txt", characters: 9 }];

function talk(outOfView: Place[]): Conversation {
  let conversation = ask(createConversation("c", 0), { id: "e1", question: "first", attachments, answer: null }, 1);
  conversation = setAnswer(conversation, "e1", { text: "one two", end: "complete" }, 2);
  conversation = ask(conversation, { id: "e2", question: "second", answer: null }, 3);
  return setAnswer(conversation, "e2", { text: "three", end: "complete", outOfView }, 4);
}

describe("passages in a conversation", () => {
  const { messages, origins } = toPrompt(talk([]), "System.", () => "the text.", "e2");

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
    expect(viewBoundary(talk([]))).toBeNull();
    expect(viewBoundary(talk([{ exchangeId: "gone", part: "question", start: 0, end: 5 }]))).toBeNull();
  });

  test("within an exchange of which a part is out of view", () => {
    expect(viewBoundary(talk([{ exchangeId: "e1", part: { attachmentId: "a" }, start: 2, end: 9 }]))).toEqual({
      exchangeId: "e1",
      partly: true,
    });
    expect(viewBoundary(talk([{ exchangeId: "e1", part: "answer", start: 0, end: 3 }]))).toEqual({ exchangeId: "e1", partly: true });
  });

  test("at the exchange after one that is forgotten to its last word", () => {
    expect(viewBoundary(talk([{ exchangeId: "e1", part: "answer", start: 0, end: 7 }]))).toEqual({ exchangeId: "e2", partly: false });
  });
});
