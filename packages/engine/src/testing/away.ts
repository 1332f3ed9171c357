import type { AwayPlaces, ContextOptions, HeadMap } from "@longtab/attention";
import { BytesSource } from "@longtab/formats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Timeline } from "../backend.ts";
import { answer, greedy, loadTiny } from "./tiny.ts";
import type { TestedBackend, TinyEngine } from "./tiny.ts";

const trained = 128;
const model = { seed: 33, contextLength: trained };
const away: AwayPlaces = { memory: 2 ** 21 };
const contextLength = 8 * trained;
// As many pages may come back as a step of this budget looks at.
const pooledLength = 256;
const fingerprint = "tiny 33";

const digits = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, index) => (from + index * 7 + (index >> 3)) % 10).join("");

/** Steps after which what was wanted is there: what a layer looks at is known when those before it are right, and may take a few to come. */
function late({ backend }: TinyEngine): number {
  return 3 * (backend.cacheForm.layers + 1);
}

const headMap: HeadMap = {
  version: 1,
  model: "tiny",
  streaming: [
    [false, false],
    [false, false],
  ],
  precision: ["kv4", "kv8"],
};

const contexts: Record<string, ContextOptions> = {
  "8 bits": { policy: "far", budget: 48, recent: 16 },
  "full precision": { policy: "far", budget: 48, recent: 16, kv: "f16" },
  "4 bits and 8": { policy: "far", budget: 48, recent: 16, kv: "mixed", headMap },
};

/** What a conversation is kept as. */
export async function snapshotOf({ engine }: TinyEngine, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of engine.snapshot(name)) pieces.push(piece);
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** Far memory whose pages move away: what comes back is what was there. `precisions`: those whose pages may. */
export function describeAway(tested: TestedBackend, precisions: readonly string[] = Object.keys(contexts)): void {
  describe.each(Object.entries(contexts).filter(([precision]) => precisions.includes(precision)))(
    "pages of %s that are away",
    (_, context) => {
      let tiny: TinyEngine;
      /** The same with all of it in the cache. */
      let whole: TinyEngine;
      beforeAll(async () => {
        tiny = await loadTiny(tested, model, { context, contextLength, pooledLength, away });
        whole = await loadTiny(tested, model, { context, contextLength });
      });
      afterAll(() => {
        tiny.engine.dispose();
        whole.engine.dispose();
      });

      const read = async ({ backend, engine }: TinyEngine, text: string): Promise<Timeline> => {
        const timeline = backend.createTimeline();
        const ids = engine.encode({ text });
        // Rows of several at a time, which see what their window has.
        for (let from = 0; from < ids.length; from += timeline.scoreRows)
          await timeline.score(ids.subarray(from, from + timeline.scoreRows));
        return timeline;
      };

      /** The logits after a token, as a step of one row finds them; the timeline is what it was before. */
      const logitsAfter = async (timeline: Timeline, id: number): Promise<Float32Array> => {
        const { length } = timeline;
        const logits = await timeline.score(Uint32Array.of(id));
        timeline.truncate(length);
        return logits;
      };

      const largestDifference = (a: Float32Array, b: Float32Array): number =>
        a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] ?? NaN))), 0);

      test("come back when they are selected, and steps are then what they are with everything in the cache", async () => {
        const [timeline, expected] = [await read(tiny, digits(900)), await read(whole, digits(900))];
        expect(timeline.pages().away).toBeGreaterThan(timeline.pages().kept / 2);
        expect(timeline.pages().forgotten).toBe(0);
        expect(expected.pages().away).toBe(0);
        let changed = 0;
        for (const id of tiny.engine.encode({ text: "94613" })) {
          const logits = await logitsAfter(expected, id);
          const differences: number[] = [];
          for (let step = 0; step < late(tiny); step++) differences.push(largestDifference(await logitsAfter(timeline, id), logits));
          expect(differences.at(-1)).toBeLessThanOrEqual(tested.tolerance);
          changed += Number((differences[0] ?? NaN) > tested.tolerance);
        }
        expect(changed).toBeGreaterThan(0);
        timeline.dispose();
        expected.dispose();
      });

      test("leave the cache within its memory, and nothing behind when the conversation is over", async () => {
        const timeline = await read(tiny, digits(1200));
        const { kv, kvBudget, away: held } = tiny.backend.memory();
        expect(kv).toBeLessThanOrEqual(kvBudget);
        expect(kvBudget).toBeLessThan(whole.backend.memory().kvBudget);
        expect(held.memory).toBeGreaterThan(0);
        expect(timeline.pages().forgotten).toBeGreaterThan(0);
        timeline.dispose();
        expect(tiny.backend.memory().away).toEqual({ memory: 0, disk: 0 });
      });

      test("are there again where a conversation is rolled back to them", async () => {
        const text = digits(900);
        const timeline = await read(tiny, text);
        const others = await read(tiny, text.slice(0, 240));
        timeline.truncate(240);
        const ids = tiny.engine.encode({ text: digits(4, 3) });
        const found = await timeline.score(ids);
        expect(largestDifference(found, await others.score(ids))).toBeLessThanOrEqual(tested.tolerance);
        timeline.dispose();
        others.dispose();
      });

      test("are shared with forks, and stay for them", async () => {
        const timeline = await read(tiny, digits(700));
        const fork = timeline.fork();
        const expected = await read(whole, digits(700));
        timeline.dispose();
        const [id = 0] = tiny.engine.encode({ text: "7" });
        const logits = await logitsAfter(expected, id);
        let difference = Infinity;
        for (let step = 0; step < late(tiny); step++) difference = largestDifference(await logitsAfter(fork, id), logits);
        expect(difference).toBeLessThanOrEqual(tested.tolerance);
        fork.dispose();
        expected.dispose();
        expect(tiny.backend.memory().away).toEqual({ memory: 0, disk: 0 });
      });

      test("are in snapshots, and away again in the conversation that is restored", async () => {
        await answer(tiny, digits(800), { maxTokens: 20 });
        const bytes = await snapshotOf(tiny, fingerprint);
        const before = tiny.engine.pages;
        const other = await loadTiny(tested, model, { context, contextLength, pooledLength, away });
        await other.engine.restore(new BytesSource(bytes), fingerprint);
        const again = await snapshotOf(other, fingerprint);
        expect(again.length === bytes.length && again.every((byte, index) => byte === bytes[index])).toBe(true);
        await answer(
          other,
          { ids: new Uint32Array([...other.engine.contextIds, ...other.engine.encode({ text: "1" })]) },
          { maxTokens: 1 },
        );
        expect(other.engine.pages.away).toBeGreaterThan(before.away / 2);
        expect(other.engine.pages.forgotten).toBe(before.forgotten);
        other.engine.dispose();
      });

      test("go where there is no room for them, the oldest first, and the conversation goes on", async () => {
        const memory = 2 ** 17;
        const small = await loadTiny(tested, model, { context, contextLength: 400, pooledLength, away: { memory } });
        const text = digits(1200);
        const timeline = small.backend.createTimeline();
        const ids = small.engine.encode({ text });
        let id = await timeline.prefill(ids, greedy);
        for (let step = 0; step < 40; step++) id = await timeline.decode(greedy);
        expect(id).toBeLessThan(small.backend.vocabularySize);
        expect(small.backend.memory().away.memory).toBeLessThanOrEqual(memory);
        expect(timeline.pages().forgotten).toBeGreaterThan(0);
        timeline.dispose();
        small.engine.dispose();
      });
    },
  );
}
