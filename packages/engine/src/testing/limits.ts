import { createRandom } from "@longtab/formats/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../backend.ts";
import { score } from "../score.ts";
import { answer, answerAlone, forget, loadTiny } from "./tiny.ts";
import type { TestedBackend, TinyEngine } from "./tiny.ts";

const context = 40;

/** Digits are a token each. */
const digits = (count: number): string => Array.from({ length: count }, (_, index) => index % 10).join("");

/** The ends of the context, and prompts of every odd kind. */
export function describeLimits(tested: TestedBackend): void {
  let tiny: TinyEngine;
  beforeAll(async () => {
    tiny = await loadTiny(tested, { seed: 6, contextLength: context });
  });
  afterAll(() => tiny.engine.dispose());

  describe("a prompt", () => {
    test.each([1, 15, 16, 17, 31, 32, 33, 38, 39])("of %d tokens is answered until the context is full", async (length) => {
      const { summary } = await answer(tiny, digits(length));
      expect(summary.promptTokens).toBe(length);
      // The last token drawn needs no place: nothing comes after it.
      const room = context - length;
      expect(summary.completionTokens).toBeLessThanOrEqual(room);
      expect(summary.finishReason).toBe(summary.completionTokens < room ? "stop" : "length");
      expect(tiny.engine.contextTokens).toBeLessThan(context);
    });

    test.each([40, 41, 500])("of %d tokens is refused, and what the session held stays", async (length) => {
      await answer(tiny, digits(20), { maxTokens: 3 });
      const held = tiny.engine.contextTokens;
      await expect(answer(tiny, digits(length))).rejects.toMatchObject({
        code: "context-exceeded",
        message: `The prompt leaves no room for an answer in the context (found ${length} tokens, limit 40 tokens). Start a new chat, delete earlier turns, or shorten the text.`,
      });
      expect(tiny.engine.contextTokens).toBe(held);
      expect((await answer(tiny, digits(20), { maxTokens: 3 })).summary.cachedTokens).toBe(19);
    });

    test("that is empty is refused", async () => {
      await expect(answer(tiny, "")).rejects.toMatchObject({ code: "empty-prompt", message: "The prompt is empty. Write something." });
    });

    test("of ten thousand newlines is refused where it does not fit", async () => {
      await expect(answer(tiny, "\n".repeat(10_000))).rejects.toMatchObject({ code: "context-exceeded" });
    });

    // Attention over ten thousand tokens is billions of products: half a minute for a busy software adapter.
    test("of ten thousand newlines is read where it fits", async () => {
      const wide = await loadTiny(tested, { seed: 6, layers: 1, heads: 1, kvHeads: 1, headSize: 32, contextLength: 10_016 });
      const progress: number[] = [];
      const { summary } = await answer(wide, "\n".repeat(10_000), { maxTokens: 2, onPrefill: (done) => progress.push(done) });
      expect(summary).toMatchObject({ promptTokens: 10_000, completionTokens: 2 });
      expect(progress.toSorted((a, b) => a - b)).toEqual(progress);
      expect(wide.backend.memory().kv).toBeLessThanOrEqual(wide.backend.memory().kvBudget);
      wide.engine.dispose();
    }, 300_000);

    test("with lone surrogates is read as if they were U+FFFD", async () => {
      const options = { maxTokens: 8 };
      await forget(tiny);
      const { text } = await answer(tiny, "a\uD83D b\uDE00", options);
      expect(text).toBe((await answerAlone(tiny, "a\uFFFD b\uFFFD", options)).text);
      expect(text.isWellFormed()).toBe(true);
    });

    test("of random characters gives well-formed text", async () => {
      const random = createRandom(8);
      for (let round = 0; round < 5; round++) {
        const prompt = String.fromCharCode(...Array.from({ length: 6 }, () => random.integer(0x1_0000)));
        for (const { text } of (await answer(tiny, prompt, { maxTokens: 6 })).pieces) expect(text.isWellFormed()).toBe(true);
      }
    });
  });

  describe("score", () => {
    let backend: Backend;
    beforeAll(async () => ({ backend } = await loadTiny(tested, { seed: 6, contextLength: context })));
    afterAll(() => backend.dispose());

    const ids = (count: number): Uint32Array => tiny.tokenizer.encode(digits(count));

    test("fills a context to its last token and refuses one more", async () => {
      expect(await score(backend, ids(20), ids(21))).toHaveLength(21);
      await expect(score(backend, ids(20), ids(22))).rejects.toMatchObject({ code: "context-exceeded" });
    });

    test("refuses an empty prompt and predicts nothing for an empty continuation", async () => {
      await expect(score(backend, ids(0), ids(3))).rejects.toMatchObject({ code: "empty-prompt" });
      expect(await score(backend, ids(3), ids(0))).toEqual([]);
    });

    test("gives log-probabilities, the best first, and that of the forced token", async () => {
      const continuation = ids(12);
      const steps = await score(backend, ids(3), continuation, { best: 320 });
      for (const [index, { top, logprob }] of steps.entries()) {
        expect(top).toHaveLength(320);
        expect(top.reduce((sum, entry) => sum + Math.exp(entry.logprob), 0)).toBeCloseTo(1, 6);
        expect(top.every((entry, rank) => rank === 0 || entry.logprob <= (top[rank - 1]?.logprob ?? NaN))).toBe(true);
        expect(top.find(({ id }) => id === continuation[index])?.logprob).toBe(logprob);
      }
    });

    test("gives back every page, and none stays taken", async () => {
      for (let round = 0; round < 4; round++) expect(await score(backend, ids(20), ids(20))).toHaveLength(20);
      expect(backend.memory().kv).toBeLessThanOrEqual(backend.memory().kvBudget);
    });
  });
}
