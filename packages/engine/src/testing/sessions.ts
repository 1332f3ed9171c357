import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { answer, answerAlone, collect, forget, greedy, loadTiny, warm } from "./tiny.ts";
import type { Answer, TestedBackend, TinyEngine } from "./tiny.ts";

const question = "Tell me of the sea and of the land";

/** Conversations: what a turn reuses of those before it, and requests that come at once. */
export function describeSessions(tested: TestedBackend): void {
  let tiny: TinyEngine;
  beforeAll(async () => {
    tiny = await loadTiny(tested, { seed: 4, contextLength: 512 });
  });
  beforeEach(() => forget(tiny));
  afterAll(() => tiny.engine.dispose());

  /** A second turn after a first, and the same prompt to a session that has seen nothing. */
  async function turns(first: string, second: (first: Answer) => string): Promise<{ reused: Answer; alone: Answer }> {
    const opening = await answer(tiny, first, { maxTokens: 20 });
    const prompt = second(opening);
    return { reused: await answer(tiny, prompt, { maxTokens: 20 }), alone: await answerAlone(tiny, prompt, { maxTokens: 20 }) };
  }

  describe("a session", () => {
    test("reuses the tokens of the last prompt and its answer", async () => {
      const chat = [{ role: "user", content: question }] as const;
      const opening = await answer(tiny, { messages: chat }, { maxTokens: 20 });
      expect(opening.summary.cachedTokens).toBe(0);
      const held = tiny.engine.contextTokens;
      expect(held).toBe(opening.summary.promptTokens + 19);
      // The same question again: all of it but one token, which must run for its logits.
      const again = await answer(tiny, { messages: chat }, { maxTokens: 20 });
      expect(again).toMatchObject({
        text: opening.text,
        summary: { cachedTokens: opening.summary.promptTokens - 1, promptTokens: opening.summary.promptTokens },
      });
    });

    test("answers a longer prompt as a fresh one does, and says how much it reused", async () => {
      const { reused, alone } = await turns(question, () => `${question}. And of the sky?`);
      expect(alone.summary.cachedTokens).toBe(0);
      expect(reused.summary.cachedTokens).toBeGreaterThan(10);
      expect(reused.summary.cachedTokens).toBeLessThan(reused.summary.promptTokens);
      expect(reused.text).toBe(alone.text);
    });

    test("answers an edited prompt as a fresh one does, from the edit on", async () => {
      const { reused, alone } = await turns(question, () => question.replace("sea", "bee"));
      const edited = Array.from(tiny.engine.encode({ text: question.replace("sea", "bee") }));
      const before = Array.from(tiny.engine.encode({ text: question }));
      expect(reused.summary.cachedTokens).toBe(edited.findIndex((id, index) => id !== before[index]));
      expect(reused.text).toBe(alone.text);
    });

    test("answers a shorter prompt as a fresh one does", async () => {
      const { reused, alone } = await turns(question, () => question.slice(0, 16));
      expect(reused.text).toBe(alone.text);
    });

    test("reuses nothing of another conversation", async () => {
      const { reused, alone } = await turns(question, () => "0 1 2 3");
      expect(reused.summary.cachedTokens).toBe(0);
      expect(reused.text).toBe(alone.text);
    });

    test("draws with a seed what a fresh one draws, though it starts in the middle", async () => {
      await answer(tiny, question, { maxTokens: 20 });
      const sampling = { ...warm, repetitionPenalty: 1.3, penaltyWindow: 8, seed: 11 };
      const prompt = `${question} again`;
      const reused = await answer(tiny, prompt, { sampling, maxTokens: 20 });
      expect(reused.summary.cachedTokens).toBeGreaterThan(0);
      expect(reused.text).toBe((await answerAlone(tiny, prompt, { sampling, maxTokens: 20 })).text);
    });

    test("goes on correctly after the iteration was left early", async () => {
      const expected = await answerAlone(tiny, question, { maxTokens: 30 });
      const shown: string[] = [];
      for await (const piece of tiny.engine.complete({ text: question }, { sampling: greedy, maxTokens: 30 })) {
        shown.push(piece.text);
        if (shown.length === 5) break;
      }
      expect(expected.text.startsWith(shown.join(""))).toBe(true);
      expect(tiny.engine.contextTokens).toBeLessThanOrEqual(expected.summary.promptTokens + 5);
      expect((await answer(tiny, question, { maxTokens: 30 })).text).toBe(expected.text);
    });
  });

  describe("requests at once", () => {
    test("are answered in order, each as if it were alone", async () => {
      const prompts = [question, "one two three", `${question} again`];
      const alone: string[] = [];
      for (const prompt of prompts) alone.push((await answerAlone(tiny, prompt, { maxTokens: 16 })).text);
      const ended: number[] = [];
      const together = await Promise.all(
        prompts.map(async (prompt, index) => {
          const { text } = await answer(tiny, prompt, { maxTokens: 16 });
          ended.push(index);
          return text;
        }),
      );
      expect(together).toEqual(alone);
      expect(ended).toEqual([0, 1, 2]);
    });

    test("wait for an answer that is being read slowly", async () => {
      const first = tiny.engine.complete({ text: question }, { sampling: greedy, maxTokens: 4 });
      await first.next();
      let started = false;
      const second = answer(tiny, "one two three", { maxTokens: 4, onPrefill: () => (started = true) });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(started).toBe(false);
      await collect(first);
      await second;
      expect(started).toBe(true);
    });

    test("that fail do not hold up those behind them", async () => {
      const failing = answer(tiny, "", {});
      const following = answer(tiny, question, { maxTokens: 4 });
      await expect(failing).rejects.toMatchObject({ code: "empty-prompt" });
      expect((await following).summary.completionTokens).toBe(4);
    });

    test("can be aborted while they wait, and those behind them still wait for the first", async () => {
      const expected = (await answerAlone(tiny, question, { maxTokens: 12 })).text;
      const order: string[] = [];
      const first = answer(tiny, question, { maxTokens: 12 }).then(({ text }) => order.push("first") && text);
      const controller = new AbortController();
      const second = answer(tiny, "one two three", { signal: controller.signal }).catch((error: unknown) => order.push("second") && error);
      const third = answer(tiny, question, { maxTokens: 12 }).then(({ text }) => order.push("third") && text);
      controller.abort();
      expect(await second).toMatchObject({ code: "aborted" });
      expect([await first, await third]).toEqual([expected, expected]);
      expect(order).toEqual(["second", "first", "third"]);
    });
  });
}
