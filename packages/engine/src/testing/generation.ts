import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Sampling } from "../backend.ts";
import { score } from "../score.ts";
import { answer, argmax, collect, forget, greedy, loadTiny, warm } from "./tiny.ts";
import type { TestedBackend, TinyEngine } from "./tiny.ts";

const prompt = "The river runs";
const everyOption: Sampling = { temperature: 0.8, topK: 30, topP: 0.9, minP: 0.01, repetitionPenalty: 1.2, penaltyWindow: 16, seed: 5 };

/** Drawing token after token: what is drawn, where it ends, how it is counted. */
export function describeGeneration(tested: TestedBackend): void {
  let tiny: TinyEngine;
  beforeAll(async () => {
    tiny = await loadTiny(tested, { seed: 3 });
  });
  afterAll(() => tiny.engine.dispose());

  /** The tokens that a fresh timeline draws, waiting for each before the next is asked for. */
  async function drawOneByOne(ids: Uint32Array, sampling: Sampling, count: number): Promise<number[]> {
    const timeline = tiny.backend.createTimeline();
    try {
      const drawn = [await timeline.prefill(ids, sampling)];
      while (drawn.length < count) drawn.push(await timeline.decode(sampling));
      return drawn;
    } finally {
      timeline.dispose();
    }
  }

  describe("a generation", () => {
    test("that is greedy takes the most probable token at each step", async () => {
      const ids = tiny.engine.encode({ text: prompt });
      const drawn = await drawOneByOne(ids, greedy, 40);
      for (const rows of [1, 16]) {
        const most: number[] = [];
        const margins: number[] = [];
        await score(tiny.backend, ids, Uint32Array.from(drawn), {
          rows,
          onLogits: (_, logits) => {
            most.push(argmax(logits));
            const [first = NaN, second = NaN] = [...logits].toSorted((a, b) => b - a);
            margins.push(first - second);
          },
        });
        expect(most).toEqual(drawn);
        // The comparison means something: no step was decided by rounding.
        expect(Math.min(...margins)).toBeGreaterThan(1e-3);
      }
    });

    test.each([
      ["greedy", greedy],
      ["drawn at temperature 1", warm],
      ["drawn with every option", everyOption],
    ])("gives the same text however far it runs ahead: %s", async (_, sampling: Sampling) => {
      const drawn = await drawOneByOne(tiny.engine.encode({ text: prompt }), sampling, 40);
      const end = drawn.findIndex((id) => tiny.tokenizer.eogIds.has(id));
      const expected = tiny.tokenizer.decode(end < 0 ? drawn : drawn.slice(0, end));
      expect((await answer(tiny, prompt, { sampling, maxTokens: 40 })).text).toBe(expected);

      const timeline = tiny.backend.createTimeline();
      const first = timeline.prefill(tiny.engine.encode({ text: prompt }), sampling);
      const ahead = await Promise.all([first, ...Array.from({ length: 39 }, () => timeline.decode(sampling))]);
      timeline.dispose();
      expect(ahead).toEqual(drawn);
    });

    // A backend may guess what comes next from what came before and check several guesses at once; a token given as a prompt is no guess.
    test.each([
      ["greedy", greedy],
      ["drawn at a low temperature", { ...warm, temperature: 0.3 }],
      ["drawn with every option", everyOption],
    ])("gives the tokens that giving each back as a prompt gives, where the text repeats itself: %s", async (_, sampling: Sampling) => {
      const ids = tiny.engine.encode({ text: "one two three one two three one two three one two" });
      const timeline = tiny.backend.createTimeline();
      const expected = [await timeline.prefill(ids, sampling)];
      while (expected.length < 100) expected.push(await timeline.prefill(Uint32Array.from(expected.slice(-1)), sampling));
      timeline.dispose();
      expect(await drawOneByOne(ids, sampling, 100)).toEqual(expected);
    });

    test("gives them too where pages close while it is guessed what comes next", async () => {
      const closing = await loadTiny(tested, { seed: 3 }, { context: { policy: "dense", kv: "kv8" } });
      const ids = closing.engine.encode({ text: "one two three one two three one two three one two" });
      const timeline = closing.backend.createTimeline();
      const expected = [await timeline.prefill(ids, greedy)];
      while (expected.length < 100) expected.push(await timeline.prefill(Uint32Array.from(expected.slice(-1)), greedy));
      const decoding = closing.backend.createTimeline();
      const drawn = [await decoding.prefill(ids, greedy)];
      while (drawn.length < 100) drawn.push(await decoding.decode(greedy));
      expect(drawn).toEqual(expected);
      // What they have stored is the same as well: so are the logits of a token more.
      const [next, other] = await Promise.all([timeline, decoding].map(async (one) => one.score(Uint32Array.of(7))));
      const errors = Array.from(next ?? [], (logit, id) => Math.abs(logit - (other?.[id] ?? NaN)));
      expect(Math.max(...errors)).toBeLessThanOrEqual(tested.tolerance);
      for (const one of [timeline, decoding]) one.dispose();
      closing.engine.dispose();
    });

    test("gives the same text for the same seed and another for another", async () => {
      const of = async (seed: number): Promise<string> => (await answer(tiny, prompt, { sampling: { ...warm, seed }, maxTokens: 24 })).text;
      const first = await of(1);
      expect(await of(1)).toBe(first);
      expect(await of(2)).not.toBe(first);
    });

    test("counts its tokens, one piece each", async () => {
      const { pieces, summary } = await answer(tiny, prompt, { maxTokens: 7 });
      expect(pieces.map(({ tokens }) => tokens)).toEqual([1, 1, 1, 1, 1, 1, 1]);
      expect(summary).toMatchObject({
        finishReason: "length",
        completionTokens: 7,
        promptTokens: tiny.engine.encode({ text: prompt }).length,
      });
      expect(summary.prefillSeconds).toBeGreaterThan(0);
      expect(summary.decodeSeconds).toBeGreaterThan(0);
    });

    test("of one token runs no decode", async () => {
      const { summary } = await answer(tiny, prompt, { maxTokens: 1 });
      expect(summary).toMatchObject({ finishReason: "length", completionTokens: 1 });
      expect(tiny.engine.contextTokens).toBe(summary.promptTokens);
    });

    test("ends with the model's own end, of which no text is shown", async () => {
      // The first end-of-turn among a few seeds' draws.
      for (let seed = 0; ; seed++) {
        const sampling = { ...warm, temperature: 2, seed };
        const drawn = await drawOneByOne(tiny.engine.encode({ text: prompt }), sampling, 30);
        const end = drawn.findIndex((id) => tiny.tokenizer.eogIds.has(id));
        if (end < 2) continue;
        const { text, summary } = await answer(tiny, prompt, { sampling });
        expect(summary).toMatchObject({ finishReason: "stop", completionTokens: end + 1 });
        expect(text).toBe(tiny.tokenizer.decode(drawn.slice(0, end)));
        expect(text).not.toContain("<|");
        return;
      }
    });

    test("reports its progress through the prompt", async () => {
      const calls: [number, number][] = [];
      const { summary } = await answer(tiny, "a b c d e f g h", { maxTokens: 1, onPrefill: (done, total) => calls.push([done, total]) });
      expect(calls[0]).toEqual([0, summary.promptTokens]);
      expect(calls.at(-1)).toEqual([summary.promptTokens, summary.promptTokens]);
    });
  });

  describe("a stop string", () => {
    const full = async (): Promise<string> => (await answer(tiny, prompt, { maxTokens: 40 })).text;

    test("ends the text before it, wherever it begins and ends between tokens", async () => {
      const text = await full();
      for (const [from, length] of [
        [0, 1],
        [0, 3],
        [3, 4],
        [5, 9],
        [11, 1],
        [text.length - 4, 4],
      ] as const) {
        const stop = text.slice(from, from + length);
        const result = await answer(tiny, prompt, { maxTokens: 40, stop: [stop] });
        expect(result.text).toBe(text.slice(0, text.indexOf(stop)));
        expect(result.summary.finishReason).toBe("stop");
      }
    });

    test("that does not come changes nothing", async () => {
      const text = await full();
      const result = await answer(tiny, prompt, { maxTokens: 40, stop: [`${text.slice(2, 8)}\u0000`, `${text.slice(-3)}\u0000`, ""] });
      expect(result).toMatchObject({ text, summary: { finishReason: "length", completionTokens: 40 } });
    });

    test("is never shown in part", async () => {
      const text = await full();
      const stop = text.slice(6, 16);
      const { pieces } = await collect(tiny.engine.complete({ text: prompt }, { sampling: greedy, maxTokens: 40, stop: [stop] }));
      let shown = "";
      for (const piece of pieces) {
        shown += piece.text;
        expect(text.slice(0, text.indexOf(stop)).startsWith(shown)).toBe(true);
      }
    });

    test("leaves the session as long as what was accepted, and the next answer as it would have been", async () => {
      const text = await full();
      await forget(tiny);
      const { summary } = await answer(tiny, prompt, { maxTokens: 40, stop: [text.slice(4, 7)] });
      expect(tiny.engine.contextTokens).toBeLessThanOrEqual(summary.promptTokens + summary.completionTokens);
      expect((await answer(tiny, prompt, { maxTokens: 40 })).text).toBe(text);
    });
  });
}
