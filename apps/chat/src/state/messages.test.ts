import { describe, expect, test } from "vitest";
import { CHAT_DEFAULTS } from "./chat-settings.ts";
import { ask, askBeside, type Conversation, createConversation, setAnswer } from "./conversation.ts";
import { toPrompt } from "./messages.ts";

/** A conversation of questions q1, q2, ... with answers a1, a2, ... */
function conversationOf(count: number): Conversation {
  let conversation = createConversation("c", 0);
  for (let n = 1; n <= count; n++) {
    conversation = ask(conversation, { id: `e${n}`, question: `q${n}`, answer: null }, CHAT_DEFAULTS, n);
    conversation = setAnswer(conversation, `e${n}`, { text: `a${n}`, end: "complete" }, n);
  }
  return conversation;
}

const toMessages = (conversation: Conversation, systemPrompt: string, lastExchangeId?: string) =>
  toPrompt(conversation, systemPrompt, () => undefined, lastExchangeId === undefined ? {} : { lastExchangeId }).messages;

describe("messages for the model", () => {
  test("roles alternate after the system prompt and end with the question asked", () => {
    expect(toMessages(conversationOf(2), "Be brief.", "e2")).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "q1" },
      { role: "assistant", content: "a1" },
      { role: "user", content: "q2" },
    ]);
  });

  test("an empty system prompt is left to the model's template", () => {
    expect(toMessages(conversationOf(1), "  ", "e1")).toEqual([{ role: "user", content: "q1" }]);
  });

  test("what comes after the question is not sent", () => {
    expect(toMessages(conversationOf(3), "", "e1")).toHaveLength(1);
  });

  test("a question that got no answer is joined to the next one", () => {
    let conversation = setAnswer(conversationOf(1), "e1", { text: "", end: "failed" }, 2);
    conversation = ask(conversation, { id: "e2", question: "q2", answer: null }, CHAT_DEFAULTS, 3);
    expect(toMessages(conversation, "", "e2")).toEqual([{ role: "user", content: "q1\n\nq2" }]);
  });

  test("attached texts come before their question, and every part knows its place", () => {
    const attachments = [
      { id: "a", name: "one.txt", characters: 5 },
      { id: "b", name: "two.txt", characters: 5 },
    ];
    const conversation = ask(conversationOf(1), { id: "e2", question: "What is it?", attachments, answer: null }, CHAT_DEFAULTS, 3);
    const { messages, origins } = toPrompt(conversation, "Be brief.", (id) => `text ${id}`, { lastExchangeId: "e2" });
    expect(messages.at(-1)).toEqual({ role: "user", content: "text a\n\ntext b\n\nWhat is it?" });
    const parts = origins.flatMap((ofMessage, message) =>
      ofMessage.map(({ part, start, end }) => [part, messages[message]?.content.slice(start, end)]),
    );
    expect(parts).toEqual([
      ["question", "q1"],
      ["answer", "a1"],
      [{ attachmentId: "a" }, "text a"],
      [{ attachmentId: "b" }, "text b"],
      ["question", "What is it?"],
    ]);
  });

  test("a text without a question stands alone, and one that is gone is said to be", () => {
    const attachments = [{ id: "a", name: "one.txt", characters: 5 }];
    const conversation = ask(createConversation("c", 0), { id: "e1", question: "", attachments, answer: null }, CHAT_DEFAULTS, 1);
    expect(toPrompt(conversation, "", () => "the text").messages).toEqual([{ role: "user", content: "the text" }]);
    expect(toPrompt(conversation, "", () => undefined).messages[0]?.content).toContain("“one.txt” is missing");
  });

  test("without a last exchange all answers are in", () => {
    expect(toMessages(conversationOf(1), "")).toEqual([
      { role: "user", content: "q1" },
      { role: "assistant", content: "a1" },
    ]);
  });

  test("an answer to go on with comes last, as far as it came, and nothing behind it", () => {
    expect(toPrompt(conversationOf(3), "", () => undefined, { lastExchangeId: "e2", withItsAnswer: true }).messages.at(-1)).toEqual({
      role: "assistant",
      content: "a2",
    });
  });

  test("only the branch that is shown is sent", () => {
    const edited = askBeside(conversationOf(2), "e1", { id: "e3", question: "other", answer: null }, 9);
    expect(toMessages(edited, "")).toEqual([{ role: "user", content: "other" }]);
  });
});
