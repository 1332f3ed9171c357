import { createPolicy } from "@longtab/attention";
import type { CacheMark, ContextOptions, HeadMap } from "@longtab/attention";
import { BytesSource } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { forwardReference, readReference } from "@longtab/model/testing";
import type { Seen, Sight } from "@longtab/model/testing";
import { describe, expect, test } from "vitest";
import type { Timeline } from "../backend.ts";
import { loadTiny, warm } from "./tiny.ts";
import type { TestedBackend, TinyEngine } from "./tiny.ts";

/** A small trained window, so that a test soon leaves it. */
const trained = 64;
const vocabulary = 320;
const model = { seed: 5, contextLength: trained, vocabulary };

/** One head of two streams in every layer. */
const headMap: HeadMap = { version: 1, model: "tiny", streaming: [0, 1].map((layer) => [layer === 0, layer === 1]) };

/** Root mean square of the logits' differences over that of the logits. Integer caches round more than f16 ones; a wrong list gives more than 0.3. */
const tolerance = 0.03;

function ids(length: number): number[] {
  return Array.from({ length }, (_, index) => (index * 61 + (index >> 3) * 7 + 3) % vocabulary);
}

function relativeError(logits: readonly Float32Array[], expected: readonly number[][]): number {
  const size = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const differences = logits.flatMap((row, index) => Array.from(row, (logit, id) => logit - (expected[index]?.[id] ?? NaN)));
  return size(differences) / size(expected.flat());
}

/** Reads tokens, so many in a step, and gives the logits after each of the last `last`. */
async function read(timeline: Timeline, tokens: readonly number[], rows: number, last: number): Promise<Float32Array[]> {
  const logits: Float32Array[] = [];
  const stride = Math.min(rows, timeline.scoreRows);
  for (let from = 0; from < tokens.length; from += stride) {
    const chunk = tokens.slice(from, from + stride);
    const values = await timeline.score(Uint32Array.from(chunk));
    for (let row = 0; row < chunk.length; row++) logits.push(values.slice(row * vocabulary, (row + 1) * vocabulary));
  }
  return logits.slice(-last);
}

/** Sinks and a window of whole pages. */
function windowOf(position: number, sinks: number, recent: number, sinksFrom: (dropped: number) => number): Seen[] {
  const start = Math.max(0, Math.floor(position / 16) * 16 - recent);
  const dropped = Math.max(0, start - sinks);
  return Array.from({ length: position + 1 }, (_, token) => token)
    .filter((token) => token < sinks || token >= start)
    .map((token) => ({ token, from: token < sinks ? sinksFrom(dropped) : position }));
}

/** Policies on tiny models: what attention sees against plain f64 attention that is told what to see. */
export function describePolicies(tested: TestedBackend): void {
  async function withTimeline<T>(context: ContextOptions, use: (timeline: Timeline, tiny: TinyEngine) => Promise<T>): Promise<T> {
    // At full precision: what is seen is compared, not how it is stored.
    const tiny = await loadTiny(tested, model, { context: { kv: "f16", ...context } });
    const timeline = tiny.backend.createTimeline();
    try {
      return await use(timeline, tiny);
    } finally {
      timeline.dispose();
      tiny.engine.dispose();
    }
  }

  async function expectSight(context: ContextOptions, length: number, rows: number, sight: Sight): Promise<void> {
    const tokens = ids(length);
    const expected = forwardReference(await readReference(new BytesSource(tinyModel(model))), tokens, sight).slice(-8);
    const logits = await withTimeline(context, (timeline) => read(timeline, tokens, rows, 8));
    expect(relativeError(logits, expected)).toBeLessThan(tolerance);
  }

  describe("streaming", () => {
    test.each([
      [30, 1],
      [90, 1],
      [90, 16],
      [200, 7],
    ])("sees sinks and a window at positions inside the cache: %d tokens, %d at a time", async (length, rows) => {
      const sight: Sight = (_layer, _kvHead, position) => windowOf(position, 4, 32, (dropped) => position - dropped);
      await expectSight({ policy: "streaming", sinks: 4, recent: 30 }, length, rows, sight);
    });

    test("goes on far past the trained window in the same memory", async () => {
      await withTimeline({ policy: "streaming", sinks: 4, recent: 16 }, async (timeline, { backend }) => {
        expect(backend.contextLength).toBe(Infinity);
        await timeline.prefill(Uint32Array.from(ids(200)), warm);
        const { kv } = backend.memory();
        const pages = timeline.pages();
        for (let step = 0; step < 400; step++) await timeline.decode(warm);
        expect(timeline.length).toBe(600);
        expect(backend.memory().kv).toBe(kv);
        expect(timeline.pages()).toMatchObject({ sink: pages.sink, far: 0 });
        expect(kv).toBeLessThanOrEqual(backend.memory().kvBudget);
      });
    });
  });

  describe("duo", () => {
    test.each([1, 16])("lets the heads of the map stream at their own positions, %d rows at a time", async (rows) => {
      const sight: Sight = (layer, kvHead, position) =>
        headMap.streaming[layer]?.[kvHead] ? windowOf(position, 4, 16, () => position) : windowOf(position, 0, 16 * 16, () => position);
      await expectSight({ policy: "duo", sinks: 4, recent: 16, headMap }, 60, rows, sight);
    });

    test("gives the pages of streaming heads back", async () => {
      await withTimeline({ policy: "duo", sinks: 4, recent: 16, headMap }, async (timeline) => {
        await timeline.prefill(Uint32Array.from(ids(60)), warm);
        expect(timeline.pages().forgotten).toBe(0);
        for (let step = 0; step < 10; step++) await timeline.decode(warm);
        // Two of four heads have lost the page behind the sinks': a window of 16 tokens and a rollback of 16 do not need it.
        expect(timeline.pages().forgotten).toBe(2);
      });
    });
  });

  describe.each(["quest", "duo+quest", "far", "auto"] as const)("%s", (policy) => {
    const map = policy === "duo+quest" || policy === "auto" ? { headMap } : {};

    test("is dense where the budget holds everything", async () => {
      // Streaming heads keep their windows: here the whole text.
      const context: ContextOptions = { policy, kv: "f16", budget: 4096, recent: 48, ...map };
      const tokens = ids(62);
      const dense = await withTimeline({ policy: "dense" }, (timeline) => read(timeline, tokens, 1, 8));
      const sparse = await withTimeline(context, (timeline) => read(timeline, tokens, 1, 8));
      // Several steps that go by one selection see each other.
      const reused = await withTimeline({ ...context, every: 4 }, (timeline) => read(timeline, tokens, 1, 8));
      expect(reused).toEqual(sparse);
      const worst = Math.max(
        ...sparse.flatMap((row, index) => Array.from(row, (logit, id) => Math.abs(logit - (dense[index]?.[id] ?? NaN)))),
      );
      expect(worst).toBeLessThanOrEqual(tested.tolerance);
    });

    test("goes on past the trained window within its budget of memory", async () => {
      const context: ContextOptions = { policy, budget: 64, sinks: 16, recent: 16, ...map };
      await withTimeline(context, async (timeline, { backend }) => {
        await timeline.prefill(Uint32Array.from(ids(150)), warm);
        for (let step = 0; step < 100; step++) expect(await timeline.decode(warm)).toBeLessThan(vocabulary);
        const logits = await timeline.score(Uint32Array.from(ids(4)));
        expect(logits.every(Number.isFinite)).toBe(true);
        expect(backend.memory().kv).toBeLessThanOrEqual(backend.memory().kvBudget);
      });
    });
  });

  describe("steps that go by one selection", () => {
    const shared = Uint32Array.from(ids(20));
    const text = Uint32Array.from(ids(32));
    const other = Uint32Array.from(ids(33).toReversed());

    test.each<[string, (timeline: Timeline, place: CacheMark) => void]>([
      ["a rollback", (timeline) => timeline.truncate(20)],
      ["a return to a place", (timeline, place) => void timeline.returnTo(place, shared)],
    ])("select anew after %s, where the step before them was another's", async (_, goBack) => {
      await withTimeline({ policy: "quest", budget: 48, sinks: 16, recent: 16, every: 4 }, async (timeline, { backend }) => {
        const alone = backend.createTimeline();
        for (const each of [timeline, alone]) await each.prefill(shared, warm);
        const place = timeline.mark();
        await timeline.prefill(text, warm);
        await timeline.score(Uint32Array.of(7));
        goBack(timeline, place);
        for (const each of [alone, timeline]) await each.prefill(other, warm);
        expect(await timeline.score(Uint32Array.of(7))).toEqual(await alone.score(Uint32Array.of(7)));
        alone.dispose();
      });
    });
  });

  describe("a fork", () => {
    test("goes on as the other would have, each by itself", async () => {
      await withTimeline({ policy: "auto", budget: 64, sinks: 16, recent: 16, headMap }, async (timeline) => {
        await read(timeline, ids(37), 16, 1);
        const fork = timeline.fork();
        const [first] = await read(fork, [7], 1, 1);
        await read(timeline, [9, 11], 1, 1);
        const again = fork.fork();
        const next = await Promise.all([read(fork, [8], 1, 1), read(again, [8], 1, 1)]);
        expect(next[0]).toEqual(next[1]);
        expect(first).not.toEqual(next[0][0]);
        fork.dispose();
        again.dispose();
      });
    });

    test("takes another policy where nothing is missing for it, and refuses one that would need what is forgotten", async () => {
      await withTimeline({ policy: "quest", budget: 64, sinks: 16, recent: 16 }, async (timeline) => {
        await timeline.prefill(Uint32Array.from(ids(60)), warm);
        const facts = { trained, keeps: trained };
        const streaming = timeline.fork(createPolicy({ policy: "streaming", sinks: 4, recent: 16 }, facts));
        for (let step = 0; step < 40; step++) await streaming.decode(warm);
        expect(() => streaming.fork(createPolicy({ policy: "dense" }, facts))).toThrow(expect.objectContaining({ code: "invalid-option" }));
        streaming.dispose();
      });
    });
  });
}
