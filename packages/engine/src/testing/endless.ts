import type { ContextOptions, HeadMap } from "@longtab/attention";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { score } from "../score.ts";
import { answer, answerAlone, argmax, greedy, loadTiny } from "./tiny.ts";
import type { TestedBackend, TinyEngine } from "./tiny.ts";

const trained = 64;
const model = { seed: 21, contextLength: trained };
// At full precision: with fewer bits what a row sees depends on where the step before it ended.
const streaming: ContextOptions = { policy: "streaming", sinks: 4, recent: 32, kv: "f16" };
const headMap: HeadMap = { version: 1, model: "tiny", streaming: [0, 1].map((layer) => [layer === 0, layer === 1]) };

/** Digits are a token each. */
const digits = (count: number, from = 0): string => Array.from({ length: count }, (_, index) => (from + index * 7) % 10).join("");

/** Conversations under policies that forget: they go on past the trained window, and what is read already is not read again. */
export function describeEndless(tested: TestedBackend): void {
  describe("a conversation that streams", () => {
    let tiny: TinyEngine;
    beforeAll(async () => {
      tiny = await loadTiny(tested, model, { context: streaming });
    });
    afterAll(() => tiny.engine.dispose());
    // A conversation of its own for each test: with these letters no other begins.
    let topic = 0;
    beforeEach(() => void topic++);
    const about = (text: string): string => `${"abcdefghijklmnop"[topic]}${text}`;

    test("goes on past the trained window until it was told to stop", async () => {
      const { summary } = await answer(tiny, about(digits(20)), { maxTokens: 4 * trained });
      expect(summary.completionTokens === 4 * trained || summary.finishReason === "stop").toBe(true);
      expect(tiny.engine.contextTokens).toBeGreaterThanOrEqual(summary.promptTokens + summary.completionTokens - 1);
    });

    test.each([65, 200, 1000])("reads a prompt of %d tokens in chunks of any size alike", async (length) => {
      const prompt = about(digits(length));
      const expected = await answer(tiny, prompt, { maxTokens: 12 });
      expect(expected.summary.promptTokens).toBe(length + 1);
      tested.shortenChunks(tiny.backend);
      expect((await answerAlone(tiny, prompt, { maxTokens: 12 })).text).toBe(expected.text);
    });

    test("answers the same question again from the end of the question", async () => {
      const prompt = about(digits(100));
      const first = await answer(tiny, prompt, { maxTokens: 90 });
      const again = await answer(tiny, prompt, { maxTokens: 90 });
      expect(again.text).toBe(first.text);
      expect(again.summary.cachedTokens).toBe(first.summary.promptTokens - 1);
    });

    test("goes on from the turn before one that was edited", async () => {
      await answer(tiny, about(digits(50)), { maxTokens: 30 });
      const before = tiny.engine.contextIds;
      const turn = (text: string): { ids: Uint32Array } => ({ ids: new Uint32Array([...before, ...tiny.tokenizer.encode(text)]) });
      await answer(tiny, turn(`!${digits(90, 3)}`), { maxTokens: 40 });
      const edited = turn(`?${digits(70, 4)}`);
      const answered = await answer(tiny, edited, { maxTokens: 20 });
      expect(answered.summary.cachedTokens).toBe(before.length);
      expect(answered.text).toBe((await answerAlone(tiny, edited, { maxTokens: 20 })).text);
    });

    test("reads nothing again of what conversations have in common from the third on", async () => {
      const shared = about(digits(60));
      const cached: number[] = [];
      for (const question of ["!", "?", ".", ","]) {
        const prompt = `${shared}${question}${digits(80, question.charCodeAt(0))}`;
        const { text, summary } = await answer(tiny, prompt, { maxTokens: 30 });
        expect(text).toBe((await answerAlone(tiny, prompt, { maxTokens: 30 })).text);
        cached.push(summary.cachedTokens);
      }
      expect(cached).toEqual([0, 0, 61, 61]);
    });

    test("reads a system message once, however long the conversations are that begin with it", async () => {
      const system = { role: "system", content: about(digits(60)) } as const;
      const cached: number[] = [];
      for (const question of ["!", "?"]) {
        const chat = { messages: [system, { role: "user", content: `${question}${digits(100)}` }] } as const;
        const { summary, text } = await answer(tiny, chat, { maxTokens: 30 });
        expect(text).toBe((await answerAlone(tiny, chat, { maxTokens: 30 })).text);
        expect(tiny.engine.sharedTokens(chat.messages)).toBeGreaterThan(60);
        cached.push(summary.cachedTokens - tiny.engine.sharedTokens(chat.messages));
      }
      expect(cached[1]).toBeGreaterThanOrEqual(0);
    });

    test("counts what it reads of a prompt once, where it stops in between for others to begin there", async () => {
      const shared = about(digits(40));
      await answer(tiny, `${shared}!${digits(80)}`, { maxTokens: 20 });
      const progress: number[] = [];
      const { summary } = await answer(tiny, `${shared}?${digits(50)}`, {
        maxTokens: 1,
        onPrefill: (done, total) => progress.push(done, total - 92),
      });
      expect(summary).toMatchObject({ cachedTokens: 0, promptTokens: 92 });
      const done = progress.filter((_, index) => index % 2 === 0);
      expect(done.toSorted((a, b) => a - b)).toEqual(done);
      expect(done).toContain(41);
      expect(done.at(-1)).toBe(92);
      expect(progress.filter((_, index) => index % 2 === 1).every((difference) => difference === 0)).toBe(true);
    });

    test("is as it was after an abort in the middle of a prompt", async () => {
      const prompt = about(digits(300));
      const expected = (await answerAlone(tiny, prompt, { maxTokens: 8 })).text;
      tested.shortenChunks(tiny.backend);
      const controller = new AbortController();
      const aborted = answer(tiny, prompt, {
        maxTokens: 8,
        signal: controller.signal,
        onPrefill: (done) => done > 100 && controller.abort(),
      });
      await expect(aborted).rejects.toMatchObject({ code: "aborted" });
      expect((await answer(tiny, prompt, { maxTokens: 8 })).text).toBe(expected);
    });

    test("stays within its memory, however many turns it has", async () => {
      let prompt = about("");
      for (let turn = 0; turn < 24; turn++) {
        prompt += digits(10, turn);
        prompt += (await answer(tiny, prompt, { maxTokens: 10 })).text;
        // Every other turn is an answer to an earlier question again.
        if (turn % 2 === 1) await answer(tiny, prompt.slice(0, Math.floor(prompt.length / 2)), { maxTokens: 3 });
      }
      expect(tiny.backend.memory().kv).toBeLessThanOrEqual(tiny.backend.memory().kvBudget);
    });
  });

  describe.each<[string, ContextOptions]>([
    ["streaming", { policy: "streaming", sinks: 4, recent: 32 }],
    ["duo", { policy: "duo", sinks: 4, recent: 16, headMap }],
    ["quest", { policy: "quest", budget: 48, recent: 16 }],
    ["duo+quest", { policy: "duo+quest", budget: 48, recent: 16, headMap }],
    ["far", { policy: "far", budget: 48, recent: 16 }],
    ["auto at full precision", { policy: "auto", budget: 48, recent: 16, headMap, kv: "f16" }],
    ["auto", { policy: "auto", budget: 48, recent: 16, headMap }],
  ])("score with %s", (_, context) => {
    test("predicts what is generated, whatever the batching, past the trained window too", async () => {
      // Where steps are cut by the speed of the machine, what a row sees of pages of fewer bits differs from run to run.
      const exact = tested.tolerance === 0 ? context : { kv: "f16" as const, ...context };
      const tiny = await loadTiny(tested, model, { context: exact });
      const ids = tiny.engine.encode({ text: digits(50) });
      const timeline = tiny.backend.createTimeline();
      const drawn = [await timeline.prefill(ids, greedy)];
      while (drawn.length < 60) drawn.push(await timeline.decode(greedy));
      timeline.dispose();
      const most: number[] = [];
      const steps = await score(tiny.backend, ids, Uint32Array.from(drawn), { onLogits: (__, logits) => most.push(argmax(logits)) });
      expect(most).toEqual(drawn);
      expect(await score(tiny.backend, ids, Uint32Array.from(drawn), { rows: 1 })).toEqual(steps);
      tiny.engine.dispose();
    });
  });

  test("an edit inside a page that is closed reads the page's tokens again", async () => {
    const tiny = await loadTiny(tested, model, { context: { policy: "quest", budget: 64, recent: 16, kv: "kv8" } });
    const prompt = digits(60);
    await answer(tiny, prompt, { maxTokens: 8 });
    const { summary } = await answer(tiny, `${prompt.slice(0, 40)}!`, { maxTokens: 8 });
    expect(summary).toMatchObject({ cachedTokens: 32, promptTokens: 41 });
    tiny.engine.dispose();
  });
}
