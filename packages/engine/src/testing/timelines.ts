import { isLongtabError } from "@longtab/errors";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend, Timeline } from "../backend.ts";
import { greedy, loadTiny, warm } from "./tiny.ts";
import type { TestedBackend, TinyEngine } from "./tiny.ts";

/** No multiple of 4, so that rows of logits are padded on the device. */
const vocabulary = 321;
const model = { seed: 9, contextLength: 128, vocabulary };

/** A sequence of ids that depends on its seed from the first on. */
function sequence(length: number, seed = 0): number[] {
  return Array.from({ length }, (_, index) => (index * 61 + seed * 37 + 3) % vocabulary);
}

/** Appends ids, `rows` in a step, and gives the logits after each. */
async function append(timeline: Timeline, ids: readonly number[], rows: number): Promise<Float32Array[]> {
  const logits: Float32Array[] = [];
  const stride = Math.min(rows, timeline.scoreRows);
  for (let from = 0; from < ids.length; from += stride) {
    const chunk = ids.slice(from, from + stride);
    const values = await timeline.score(Uint32Array.from(chunk));
    for (let row = 0; row < chunk.length; row++) logits.push(values.subarray(row * vocabulary, (row + 1) * vocabulary));
  }
  return logits;
}

function largestDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.flatMap((values, row) => Array.from(values, (value, id) => Math.abs(value - (b[row]?.[id] ?? NaN)))));
}

const lengths = [15, 16, 17, 31, 32, 33];

/** The cache of a sequence: chunks, rollbacks, several at once, its end. */
export function describeTimelines(tested: TestedBackend): void {
  let tiny: TinyEngine;
  let backend: Backend;
  beforeAll(async () => {
    tiny = await loadTiny(tested, model);
    ({ backend } = tiny);
  });
  afterAll(() => tiny.engine.dispose());

  async function withTimeline<T>(use: (timeline: Timeline) => Promise<T>, of = backend): Promise<T> {
    const timeline = of.createTimeline();
    try {
      return await use(timeline);
    } finally {
      timeline.dispose();
    }
  }

  describe("a timeline across page borders", () => {
    test("gives the same logits token by token and in chunks of any size", async () => {
      const ids = sequence(50);
      const oneByOne = await withTimeline((timeline) => append(timeline, ids, 1));
      for (const rows of [2, 7, 15, 16]) {
        expect(largestDifference(await withTimeline((timeline) => append(timeline, ids, rows)), oneByOne)).toBeLessThanOrEqual(
          tested.tolerance,
        );
      }
    });

    test.each(lengths)("goes on from %d tokens after a rollback as if nothing else had been read", async (length) => {
      const [kept, forgotten, next] = [sequence(length), sequence(40, 1), sequence(20, 2)];
      const expected = await withTimeline(async (timeline) => {
        await append(timeline, kept, 16);
        return append(timeline, next, 1);
      });
      const rolledBack = await withTimeline(async (timeline) => {
        await append(timeline, kept, 16);
        await append(timeline, forgotten, 16);
        timeline.truncate(length);
        expect(timeline.length).toBe(length);
        return append(timeline, next, 1);
      });
      expect(largestDifference(rolledBack, expected)).toBeLessThanOrEqual(tested.tolerance);
    });

    test("draws the same after a rollback of steps that are in flight", async () => {
      const ids = Uint32Array.from(sequence(14));
      const draw = async (timeline: Timeline): Promise<number[]> => {
        const first = timeline.prefill(ids, warm);
        return Promise.all([first, ...Array.from({ length: 5 }, () => timeline.decode(warm))]);
      };
      const expected = await withTimeline(draw);
      const again = await withTimeline(async (timeline) => {
        await timeline.prefill(Uint32Array.from(sequence(14, 1)), warm);
        const ahead = Promise.allSettled(Array.from({ length: 4 }, () => timeline.decode(warm)));
        // Submitted by the next turn of the event loop.
        await new Promise((resolve) => setTimeout(resolve, 0));
        expect(timeline.length).toBe(14 + 4);
        timeline.truncate(0);
        expect(timeline.length).toBe(0);
        const drawn = await draw(timeline);
        await ahead;
        expect(timeline.length).toBe(14 + 5);
        return drawn;
      });
      expect(again).toEqual(expected);
    });

    test("drops a step that waits for room when it is rolled back", async () => {
      const own = (await loadTiny(tested, model)).backend;
      const expected = await withTimeline((timeline) => timeline.prefill(Uint32Array.from(sequence(5, 1)), greedy));
      const timeline = own.createTimeline();
      const waiting = timeline.prefill(Uint32Array.from(sequence(40)), greedy);
      timeline.truncate(0);
      expect(timeline.length).toBe(0);
      const [dropped, drawn] = await Promise.allSettled([waiting, timeline.prefill(Uint32Array.from(sequence(5, 1)), greedy)]);
      // A backend whose steps begin at once may have run it.
      expect(dropped.status === "fulfilled" || isLongtabError(dropped.reason)).toBe(true);
      expect(drawn).toEqual({ status: "fulfilled", value: expected });
      expect(timeline.length).toBe(5);
      own.dispose();
    });

    test("reads no more of a prompt that is rolled back between two chunks", async () => {
      const own = (await loadTiny(tested, model)).backend;
      tested.shortenChunks(own);
      const timeline = own.createTimeline();
      const reading = timeline.prefill(Uint32Array.from(sequence(100)), greedy, {
        onProgress: (done) => {
          if (done > 0) timeline.truncate(0);
        },
      });
      await expect(reading).rejects.toMatchObject({ code: "aborted" });
      expect(timeline.length).toBe(0);
      own.dispose();
    });
  });

  describe("two timelines on one backend", () => {
    test("draw at once what each draws alone, though they take pages from one pool", async () => {
      const own = (await loadTiny(tested, { ...model, contextLength: 96 })).backend;
      // Both cross every page border in the same turn, and the pool must grow for them.
      const draw = async (seed: number, of: Backend): Promise<number[]> =>
        withTimeline(async (timeline) => {
          const drawn = [await timeline.prefill(Uint32Array.from(sequence(15, seed)), warm)];
          while (drawn.length < 30) drawn.push(await timeline.decode(warm));
          return drawn;
        }, of);
      const alone = [await draw(1, backend), await draw(2, backend)];
      expect(await Promise.all([draw(1, own), draw(2, own)])).toEqual(alone);
      expect(own.memory().kv).toBeLessThanOrEqual(own.memory().kvBudget);
      own.dispose();
    });

    test("draw in turns, each many steps ahead, what each draws alone", async () => {
      const draw = (timeline: Timeline, seed: number): Promise<number[]> =>
        Promise.all([
          timeline.prefill(Uint32Array.from(sequence(10, seed)), warm),
          ...Array.from({ length: 10 }, () => timeline.decode(warm)),
        ]);
      const alone = [await withTimeline((timeline) => draw(timeline, 1)), await withTimeline((timeline) => draw(timeline, 2))];
      const together = await withTimeline((first) => withTimeline((second) => Promise.all([draw(first, 1), draw(second, 2)])));
      expect(together).toEqual(alone);
    });
  });

  describe("the pages of a backend", () => {
    test("all come back, however often the context is filled", async () => {
      const own = (await loadTiny(tested, model)).backend;
      for (let round = 0; round < 3; round++) {
        await withTimeline(async (timeline) => {
          await append(timeline, sequence(model.contextLength), 16);
          await expect(timeline.score(Uint32Array.of(1))).rejects.toMatchObject({ code: "context-exceeded" });
          await expect(timeline.decode(greedy)).rejects.toMatchObject({ code: "context-exceeded" });
          timeline.truncate(round);
          await append(timeline, sequence(16 * 7, round), 16);
        }, own);
      }
      expect(own.memory().kv).toBeLessThanOrEqual(own.memory().kvBudget);
      own.dispose();
    });
  });

  describe("a timeline refuses", () => {
    test("to read nothing", async () => {
      await withTimeline(async (timeline) => {
        await expect(timeline.prefill(new Uint32Array(0), greedy)).rejects.toMatchObject({ code: "empty-prompt" });
        await expect(timeline.score(new Uint32Array(0))).rejects.toMatchObject({ code: "invalid-option" });
        await expect(timeline.score(new Uint32Array(timeline.scoreRows + 1))).rejects.toMatchObject({ code: "invalid-option" });
        expect(timeline.length).toBe(0);
      });
    });

    test("to go on from nothing", async () => {
      await withTimeline(async (timeline) => {
        await expect(timeline.decode(greedy)).rejects.toMatchObject({ code: "empty-prompt" });
        await timeline.prefill(Uint32Array.of(1, 2), greedy);
        timeline.truncate(0);
        await expect(timeline.decode(greedy)).rejects.toMatchObject({ code: "empty-prompt" });
        expect(timeline.length).toBe(0);
      });
    });
  });
}
