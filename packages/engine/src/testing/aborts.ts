import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Piece } from "../generate.ts";
import { answer, answerAlone, forget, greedy, loadTiny } from "./tiny.ts";
import type { TestedBackend, TinyEngine } from "./tiny.ts";

/** An abort must be answered within this, whatever the device is at. */
const limitMs = 150;

const prompt = "the sea and the land and the sky and ";
/** Several chunks. */
const long = prompt.repeat(10);

/** Wide enough that a chunk of a prompt takes a software adapter a while. */
const model = { seed: 5, layers: 1, hidden: 256, ffn: 1024, headSize: 64, contextLength: 512 };

/** Milliseconds from an abort to the rejection. */
async function abortAndWait(controller: AbortController, work: Promise<unknown>): Promise<number> {
  const started = performance.now();
  controller.abort();
  await expect(work).rejects.toMatchObject({ code: "aborted" });
  return performance.now() - started;
}

/** Aborts at every moment: answered at once, and the session goes on as if the rest had never been asked for. */
export function describeAborts(tested: TestedBackend): void {
  let tiny: TinyEngine;
  beforeAll(async () => {
    tiny = await loadTiny(tested, model);
  });
  beforeEach(() => forget(tiny));
  afterAll(() => tiny.engine.dispose());

  /** The session must answer as one that has seen nothing: its tokens are what it says they are. */
  async function expectIntact(): Promise<void> {
    for (const text of [`${long}again`, "one two"]) {
      const options = { maxTokens: 4 };
      expect((await answer(tiny, text, options)).text).toBe((await answerAlone(tiny, text, options)).text);
    }
  }

  describe("an abort", () => {
    test("in the middle of a prompt is answered at once", async () => {
      const controller = new AbortController();
      let began = (): void => {};
      const underWay = new Promise<void>((resolve) => (began = resolve));
      const work = answer(tiny, long, {
        signal: controller.signal,
        onPrefill: (done) => {
          // The chunk begins in the microtasks after this call; by the next turn of the event loop it is under way, or done.
          if (done === 0) setTimeout(began, 0);
        },
      });
      await underWay;
      expect(await abortAndWait(controller, work)).toBeLessThan(limitMs);
      expect(tiny.engine.contextTokens).toBeLessThan(tiny.engine.encode({ text: long }).length);
      await expectIntact();
    });

    test.each([0, 1, 2])("after chunk %d keeps what was read of the prompt", async (chunks) => {
      // The first chunk is then the smallest, however fast the machine is, and there are several.
      tested.shortenChunks(tiny.backend);
      const controller = new AbortController();
      let calls = 0;
      let elapsed = NaN;
      let started = NaN;
      const work = answer(tiny, long, {
        signal: controller.signal,
        onPrefill: () => {
          if (calls++ !== chunks) return;
          started = performance.now();
          controller.abort();
        },
      }).catch((error: unknown) => {
        elapsed = performance.now() - started;
        throw error;
      });
      await expect(work).rejects.toMatchObject({ code: "aborted", message: "The request was aborted." });
      expect(elapsed).toBeLessThan(limitMs);
      await expectIntact();
    });

    test("before the request begins costs nothing", async () => {
      const controller = new AbortController();
      controller.abort(new Error("the person closed the page"));
      await expect(answer(tiny, prompt, { signal: controller.signal, onPrefill: () => expect.unreachable() })).rejects.toMatchObject({
        code: "aborted",
        cause: expect.objectContaining({ message: "the person closed the page" }) as Error,
      });
      expect(tiny.engine.contextTokens).toBe(1);
    });

    test("while a token is awaited keeps the tokens before it", async () => {
      const controller = new AbortController();
      const generation = tiny.engine.complete({ text: prompt }, { sampling: greedy, signal: controller.signal });
      const pieces: Piece[] = [];
      for (let count = 0; count < 3; count++) pieces.push((await generation.next()).value as Piece);
      const next = generation.next();
      expect(await abortAndWait(controller, next)).toBeLessThan(limitMs);
      expect(pieces).toHaveLength(3);
      expect(tiny.engine.contextTokens).toBeLessThanOrEqual(tiny.engine.encode({ text: prompt }).length + 3);
      await expectIntact();
    });

    test("between two tokens ends the next", async () => {
      const controller = new AbortController();
      const generation = tiny.engine.complete({ text: prompt }, { sampling: greedy, signal: controller.signal });
      await generation.next();
      controller.abort();
      await expect(generation.next()).rejects.toMatchObject({ code: "aborted" });
      expect(await generation.next()).toEqual({ done: true, value: undefined });
      await expectIntact();
    });

    test("while the cache makes room for a chunk lets another prompt follow at once", async () => {
      const expected = (await answerAlone(tiny, "one two three", { maxTokens: 12 })).text;
      // A backend of its own, whose pool has no page yet: the first step must wait for memory.
      const own = await loadTiny(tested, model);
      const controller = new AbortController();
      const aborted = answer(own, prompt, { signal: controller.signal });
      const following = answer(own, "one two three", { maxTokens: 12 });
      await Promise.resolve().then(() => controller.abort());
      await expect(aborted).rejects.toMatchObject({ code: "aborted" });
      expect((await following).text).toBe(expected);
      expect(own.engine.contextTokens).toBe((await following).summary.promptTokens + 11);
      own.engine.dispose();
    });
  });
}
