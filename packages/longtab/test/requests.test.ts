import { describe, expect, it } from "vitest";
import type { Engine } from "@longtab/engine";
import { BytesSource, parseGguf } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { Tokenizer } from "@longtab/tokenizer";
import type { ChatMessage } from "../src/api.ts";
import { startRequest } from "../src/requests.ts";

const tokenizer = Tokenizer.fromMetadata((await parseGguf(new BytesSource(tinyModel()))).metadata);
/** What of an engine a request is made with. */
const engine = {
  tokenizer,
  encode: (prompt: { messages: ChatMessage[] }) => tokenizer.encodeChat(prompt.messages),
} as unknown as Engine;
const question: ChatMessage = { role: "user", content: "Why is the sky blue?" };

describe("going on with an answer", () => {
  it("gives the model the answer's opening and then the answer so far, with no end to it", () => {
    const text = "Because air scatters";
    const { ids, options } = startRequest(engine, {
      messages: [question, { role: "assistant", content: text }],
      stop: [],
      continued: true,
    });
    expect(options.continues).toBe(true);
    expect(tokenizer.decode(ids, { special: true })).toBe(
      `${tokenizer.decode(tokenizer.encodeChat([question]), { special: true })}${text}`,
    );
  });

  it.each([
    ["a question", [question]],
    ["nothing", []],
  ])("refuses to go on with %s", (_, messages) => {
    expect(() => startRequest(engine, { messages, stop: [], continued: true })).toThrow(
      expect.objectContaining({ code: "invalid-message", what: "There is no answer to go on with" }) as Error,
    );
  });
});
