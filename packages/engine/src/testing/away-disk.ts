import type { AwayPlaces, ContextOptions, SlabDisk } from "@longtab/attention";
import { BytesSource } from "@longtab/formats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { snapshotOf } from "./away.ts";
import { answer, greedy, loadTiny } from "./tiny.ts";
import type { TestedBackend, TinyEngine } from "./tiny.ts";

const context: ContextOptions = { policy: "far", budget: 48, recent: 16 };
const sizes = { contextLength: 1024, pooledLength: 256 };
const model = { seed: 33, contextLength: 128 };
/** Little, so that most goes on to the disk. */
const memory = 2 ** 15;
const text = Array.from({ length: 900 }, (_, index) => (index * 7 + (index >> 3)) % 10).join("");

/** Slabs that are written and read some milliseconds later. */
class TestDisk implements SlabDisk {
  readonly limit = 2 ** 22;
  readonly slabs = new Map<number, Uint8Array<ArrayBuffer>>();
  /** Slabs after which it refuses. */
  full = Infinity;
  broken = false;
  reads = 0;
  disposed = false;

  async write(slab: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const copy = bytes.slice();
    await pause();
    if (this.slabs.size >= this.full || this.disposed) return false;
    this.slabs.set(slab, copy);
    return true;
  }

  async read(slab: number, from: number, to: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.reads++;
    await pause();
    if (this.broken) throw new DOMException("the disk is gone", "UnknownError");
    return this.slabs.get(slab)?.slice(from, to);
  }

  delete(slab: number): void {
    this.slabs.delete(slab);
  }

  dispose(): void {
    this.disposed = true;
    this.slabs.clear();
  }
}

/** Far memory with a disk, which is slow, full or broken. */
export function describeAwayDisk(tested: TestedBackend): void {
  describe("pages that have moved on to a disk", () => {
    let disk: TestDisk;
    let tiny: TinyEngine;
    beforeEach(async () => {
      disk = new TestDisk();
      const away: AwayPlaces = { memory, disk };
      tiny = await loadTiny(tested, model, { context, ...sizes, away });
    });
    afterEach(() => tiny.engine.dispose());

    /** Asks for one token after another, until `done` says that it is enough. */
    const goOn = async (done: () => boolean): Promise<void> => {
      for (let step = 0; step < 200 && !done(); step++) {
        await answer(tiny, { ids: new Uint32Array([...tiny.engine.contextIds, step % 3]) }, { maxTokens: 8 });
        await pause();
      }
      expect(done()).toBe(true);
    };

    test("come back while steps go on without them, and steps are then what they are with everything in the cache", async () => {
      const whole = await loadTiny(tested, model, { context, contextLength: sizes.contextLength });
      const timelines = [tiny, whole].map(({ backend }) => backend.createTimeline());
      const ids = tiny.engine.encode({ text });
      for (const timeline of timelines) {
        for (let from = 0; from < ids.length; from += timeline.scoreRows)
          await timeline.score(ids.subarray(from, from + timeline.scoreRows));
      }
      expect(tiny.backend.memory().away.disk).toBeGreaterThan(0);
      const differences: number[] = [];
      for (let step = 0; step < 100 && (differences.at(-1) ?? Infinity) > tested.tolerance; step++) {
        const [found, expected] = await Promise.all(timelines.map(async (timeline) => timeline.score(ids.subarray(0, 1))));
        for (const timeline of timelines) timeline.truncate(ids.length);
        differences.push(found?.reduce((most, value, index) => Math.max(most, Math.abs(value - (expected?.[index] ?? NaN))), 0) ?? NaN);
        await pause();
      }
      expect(differences.length).toBeGreaterThan(1);
      expect(differences.at(-1)).toBeLessThanOrEqual(tested.tolerance);
      expect(disk.reads).toBeGreaterThan(0);
      whole.engine.dispose();
    });

    test("are in snapshots, as they are without a disk", async () => {
      await answer(tiny, text, { maxTokens: 1 });
      const bytes = await snapshotOf(tiny, "tiny 33");
      expect(disk.reads).toBeGreaterThan(0);
      const other = await loadTiny(tested, model, { context, ...sizes, away: { memory: 2 ** 21 } });
      await other.engine.restore(new BytesSource(bytes), "tiny 33");
      expect(await snapshotOf(other, "tiny 33")).toEqual(bytes);
      other.engine.dispose();
    });

    test("are an error of a snapshot where it fails to give them back at once, and nothing else", async () => {
      await answer(tiny, text, { maxTokens: 1 });
      const held = tiny.engine.contextTokens;
      disk.read = async () => Promise.reject(new DOMException("the disk is gone", "UnknownError"));
      await expect(snapshotOf(tiny, "tiny 33")).rejects.toMatchObject({ code: "storage-damaged" });
      expect(tiny.engine.contextTokens).toBe(held);
    });

    test("stay in memory where it is full, and are forgotten, the oldest first, when that is full too", async () => {
      disk.full = 2;
      await answer(tiny, text, { maxTokens: 20 });
      const { away, forgotten } = tiny.engine.pages;
      expect(disk.slabs.size).toBeLessThanOrEqual(2);
      expect(tiny.backend.memory().away.memory).toBeLessThanOrEqual(2 * memory);
      expect(away).toBeGreaterThan(0);
      expect(forgotten).toBeGreaterThan(0);
    });

    test("are an error where it fails to give them back, and read anew when asked again", async () => {
      await answer(tiny, text, { maxTokens: 1 });
      disk.broken = true;
      let failure: unknown;
      await goOn(() => failure !== undefined).catch((error: unknown) => (failure = error));
      expect(failure).toMatchObject({ code: "storage-damaged" });
      disk.broken = false;
      const again = await answer(tiny, text, { maxTokens: 8 });
      expect(again.summary.completionTokens).toBeGreaterThan(0);
      expect(again.summary.cachedTokens).toBe(0);
      expect(tiny.engine.pages.away).toBeGreaterThan(0);
    });

    test("take all steps with them that were to come after them, where they are lost", async () => {
      const timeline = tiny.backend.createTimeline();
      await timeline.prefill(tiny.engine.encode({ text }), greedy);
      disk.broken = true;
      const failures: unknown[] = [];
      for (let step = 0; step < 200 && failures.length < 4; step++) {
        // More are asked for while one that fails is under way.
        void timeline.decode(greedy).catch((error: unknown) => failures.push(error));
        await (failures.length === 0 && step % 2 === 0 ? pause() : undefined);
      }
      expect(failures[0]).toMatchObject({ code: "storage-damaged" });
      expect(timeline.length).toBe(0);
      timeline.dispose();
    });

    test("leave it when the model goes", async () => {
      await answer(tiny, text, { maxTokens: 1 });
      await goOn(() => disk.slabs.size > 0);
      tiny.engine.dispose();
      await pause();
      expect(disk.disposed).toBe(true);
      expect(disk.slabs.size).toBe(0);
    });
  });
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 3));
}
