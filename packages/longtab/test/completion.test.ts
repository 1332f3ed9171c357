import { describe, expect, it, vi } from "vitest";
import type { ChatCompletionParams, ChatMessage } from "../src/api.ts";
import { completionHead, plainMessages, toChunk, toCompletion, toRequest, toUsageChunk } from "../src/completion.ts";
import type { GenerationSummary } from "../src/protocol.ts";

const messages: ChatMessage[] = [{ role: "user", content: "Hello" }];
const head = { id: "chatcmpl-1", created: 1_700_000_000, model: "tiny" };
const pages = { sink: 2, recent: 8, kept: 20, away: 0, far: 0, quantised: 0, forgotten: 4 };
const summary: GenerationSummary = {
  finishReason: "length",
  promptTokens: 30,
  cachedTokens: 10,
  completionTokens: 6,
  prefillSeconds: 2,
  decodeSeconds: 0.5,
  cache: { tokens: 35, bytes: 4096, pages },
  contextLength: 256,
  retrieved: [{ message: 0, start: 1, end: 4 }],
  forgotten: [],
  far: [{ message: 0, start: 0, end: 1 }],
};

describe("toRequest", () => {
  it("leaves out what was left out, so that the worker fills in the model's defaults", () => {
    expect(toRequest({ messages })).toEqual({ messages, stop: [] });
  });

  it("takes null for left out, as OpenAI's API does", () => {
    const nulls = { messages, temperature: null, top_p: null, seed: null, max_tokens: null, stop: null };
    expect(toRequest(nulls as unknown as ChatCompletionParams)).toEqual({ messages, stop: [] });
  });

  it("says that an answer is to be gone on with only where that was asked", () => {
    expect(toRequest({ messages, continue_final_message: true })).toEqual({ messages, stop: [], continued: true });
    expect(toRequest({ messages, continue_final_message: false })).toEqual({ messages, stop: [] });
  });

  it("keeps options that are zero", () => {
    expect(toRequest({ messages, temperature: 0, top_k: 0, min_p: 0, seed: 0 })).toEqual({
      messages,
      stop: [],
      temperature: 0,
      top_k: 0,
      min_p: 0,
      seed: 0,
    });
  });

  it("prefers max_completion_tokens, which took max_tokens' place", () => {
    expect(toRequest({ messages, max_completion_tokens: 3, max_tokens: 9 }).maxTokens).toBe(3);
    expect(toRequest({ messages, max_tokens: 9 }).maxTokens).toBe(9);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5"])("refuses %s as a number of tokens", (max_tokens) => {
    expect(() => toRequest({ messages, max_tokens: max_tokens as number })).toThrow(
      expect.objectContaining({ code: "invalid-option", value: String(max_tokens), limit: "at least 1" }),
    );
  });

  it("passes a session's name on, and refuses what is none", () => {
    expect(toRequest({ messages, session: "a chat" }).session).toBe("a chat");
    for (const session of ["", "x".repeat(201), 5 as unknown as string])
      expect(() => toRequest({ messages, session })).toThrow(expect.objectContaining({ code: "invalid-option", limit: "200 characters" }));
  });

  it("makes a list of one stop string", () => {
    expect(toRequest({ messages, stop: "\n" }).stop).toEqual(["\n"]);
    expect(toRequest({ messages, stop: ["a", "b"] }).stop).toEqual(["a", "b"]);
  });

  it.each([[""], [["a", ""]], [Array.from({ length: 17 }, (_, index) => `stop ${index}`)], [[5]]])("refuses %j as stop strings", (stop) => {
    expect(() => toRequest({ messages, stop: stop as string[] })).toThrow(expect.objectContaining({ code: "invalid-option", limit: 16 }));
  });

  it.each([[5], [{}], [true]])("refuses %j, which is no list of stop strings", (stop) => {
    expect(() => toRequest({ messages, stop: stop as unknown as string[] })).toThrow(expect.objectContaining({ code: "invalid-option" }));
  });

  it("copies stop strings that cannot be posted into a list that can", () => {
    expect(structuredClone(toRequest({ messages, stop: new Proxy(["a", "b"], {}) }).stop)).toEqual(["a", "b"]);
  });

  it("says what, value, limit and remedy in one message", () => {
    expect(() => toRequest({ messages, max_tokens: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[LongtabError: max_tokens must be a whole number of tokens (found 0, limit at least 1). Leave it out to let the model decide.]`,
    );
  });
});

describe("plainMessages", () => {
  it("copies what cannot be posted into what can", () => {
    const reactive = new Proxy([new Proxy<ChatMessage>({ role: "user", content: "Hello" }, {})], {});
    expect(() => structuredClone(reactive)).toThrow("could not be cloned");
    expect(structuredClone(plainMessages(reactive))).toEqual(messages);
  });

  it("makes of content that is no text what can be posted, and refused with a reason", () => {
    const parts = new Proxy([{ type: "text", text: "Hello" }], {});
    for (const content of [parts, () => "Hello", Symbol("Hello")])
      expect(structuredClone(plainMessages([{ role: "user", content } as unknown as ChatMessage]))).toEqual([
        { role: "user", content: {} },
      ]);
  });

  it.each([undefined, null, 5, "Hello", [null], [undefined], [{}], [[]]])(
    "makes of %j a list that can be refused with a reason",
    (wrong) => {
      const plain = plainMessages(wrong as unknown as ChatMessage[]);
      expect(plain.every(({ role, content }) => role === undefined && content === undefined)).toBe(true);
    },
  );
});

describe("answers in OpenAI's shapes", () => {
  it("gives every answer an id of its own and the time in seconds", () => {
    const { id, created, model } = completionHead("tiny");
    expect(id).toMatch(/^chatcmpl-[0-9a-f]{32}$/);
    expect(completionHead("tiny").id).not.toBe(id);
    expect(Math.abs(created - Date.now() / 1000)).toBeLessThan(5);
    expect(model).toBe("tiny");
  });

  it("gives answers ids where crypto.randomUUID is missing: on a page that came without encryption", () => {
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    const ids = [completionHead("tiny").id, completionHead("tiny").id];
    vi.unstubAllGlobals();
    expect(new Set(ids).size).toBe(2);
  });

  it("has no reason to finish before the end", () => {
    expect(toChunk(head, { content: "Hi" })).toEqual({
      ...head,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: null }],
    });
    expect(toChunk(head, {}, "stop").choices).toEqual([{ index: 0, delta: {}, finish_reason: "stop" }]);
  });

  it("states usage in a chunk without choices", () => {
    const chunk = toUsageChunk(head, summary);
    expect(chunk.choices).toEqual([]);
    expect(chunk.usage).toEqual({
      prompt_tokens: 30,
      completion_tokens: 6,
      total_tokens: 36,
      prompt_tokens_details: { cached_tokens: 10 },
      longtab: {
        prefill_seconds: 2,
        decode_seconds: 0.5,
        // Twenty tokens were read, ten were there; five were decoded, the first came with the prefill.
        prefill_tokens_per_second: 10,
        decode_tokens_per_second: 10,
        context_tokens: 35,
        context_length: 256,
        kv_bytes: 4096,
        pages,
        retrieved: [{ message: 0, start: 1, end: 4 }],
        forgotten: [],
        far: [{ message: 0, start: 0, end: 1 }],
      },
    });
  });

  it("states no speed where no time passed", () => {
    const { longtab } = toUsageChunk(head, { ...summary, prefillSeconds: 0, decodeSeconds: 0 }).usage ?? {};
    expect(longtab).toMatchObject({ prefill_tokens_per_second: 0, decode_tokens_per_second: 0 });
  });

  it("puts the whole text, the reason and the usage into one completion", () => {
    expect(toCompletion(head, "Hi there", summary)).toMatchObject({
      ...head,
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", content: "Hi there" }, finish_reason: "length" }],
      usage: { total_tokens: 36 },
    });
  });
});
