import type { ContextOptions, HeadMap } from "@longtab/attention";
import { BytesSource } from "@longtab/formats";
import { createRandom } from "@longtab/formats/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32 } from "../snapshot/crc32.ts";
import { answer, forget, loadTiny } from "./tiny.ts";
import type { TestedBackend, TinyEngine } from "./tiny.ts";

const model = { seed: 29, contextLength: 64 };
const fingerprint = "tiny 29";
const headMap: HeadMap = { version: 1, model: "tiny", streaming: [0, 1].map((layer) => [layer === 0, layer === 1]) };

const contexts = {
  streaming: { policy: "streaming", sinks: 4, recent: 32 },
  "streaming with fewer bits": { policy: "streaming", sinks: 20, recent: 16, kv: "kv4" },
  duo: { policy: "duo", sinks: 4, recent: 16, headMap },
  quest: { policy: "quest", budget: 48, recent: 16 },
  "quest by the paper's rule": { policy: "quest", budget: 48, recent: 16, runTokens: 16 },
  "duo+quest": { policy: "duo+quest", budget: 48, recent: 16, headMap, kv: "k8v4" },
  far: { policy: "far", budget: 48, recent: 16 },
  "auto with mixed precision": { policy: "auto", budget: 48, recent: 16, headMap: { ...headMap, precision: ["k8v4", "kv8"] }, kv: "mixed" },
} satisfies Record<string, ContextOptions>;

const digits = (count: number): string => Array.from({ length: count }, (_, index) => (index * 7) % 10).join("");

/** Snapshots of conversations whose policies give pages back or close them. */
export function describePolicySnapshots(tested: TestedBackend): void {
  async function withEngines(contextsOf: readonly ContextOptions[], use: (...engines: TinyEngine[]) => Promise<void>): Promise<void> {
    const engines = await Promise.all(contextsOf.map((context) => loadTiny(tested, model, { context })));
    try {
      await use(...engines);
    } finally {
      for (const { engine } of engines) engine.dispose();
    }
  }

  async function takeSnapshot({ engine }: TinyEngine): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for await (const piece of engine.snapshot(fingerprint)) pieces.push(piece);
    return new Uint8Array(await new Blob(pieces).arrayBuffer());
  }

  describe.each(Object.entries<ContextOptions>(contexts))("a snapshot under %s", (_, context) => {
    let tiny: TinyEngine;
    let other: TinyEngine;
    beforeAll(async () => {
      tiny = await loadTiny(tested, model, { context });
      other = await loadTiny(tested, model, { context });
    });
    afterAll(() => {
      tiny.engine.dispose();
      other.engine.dispose();
    });

    test.each([5, 48, 130, 400])("of %d tokens goes on as the conversation itself, with the same pages", async (length) => {
      await answer(tiny, digits(length), { maxTokens: 30 });
      const bytes = await takeSnapshot(tiny);
      const pages = tiny.engine.pages;
      const next = { ids: new Uint32Array([...tiny.engine.contextIds, ...tiny.tokenizer.encode("!?")]) };
      const expected = await answer(tiny, next, { maxTokens: 40 });
      await answer(other, digits(90).slice(1), { maxTokens: 10 });
      await other.engine.restore(new BytesSource(bytes), fingerprint);
      expect(other.engine.pages).toEqual(pages);
      const restored = await answer(other, next, { maxTokens: 40 });
      expect(restored.summary.cachedTokens).toBe(next.ids.length - 2);
      expect(restored.text).toBe(expected.text);
      expect(other.engine.pages).toEqual(tiny.engine.pages);
    });
  });

  test("a snapshot of a conversation that streams does not grow with it but for its ids", async () => {
    await withEngines([contexts.streaming], async (tiny) => {
      const sizes: number[] = [];
      for (const length of [200, 1000]) {
        await answer(tiny, digits(length), { maxTokens: 1 });
        sizes.push((await takeSnapshot(tiny)).length);
      }
      // Four bytes for each id, and digits in the header.
      expect((sizes[1] ?? NaN) - (sizes[0] ?? NaN)).toBeLessThan(800 * 4 + 8);
    });
  });

  test.each([
    ["another policy", contexts.duo, { what: "The snapshot was made with another context policy", value: "streaming", limit: "duo" }],
    [
      "other numbers",
      { policy: "streaming", sinks: 4, recent: 16 },
      {
        what: "The snapshot was made with another choice of numbers for its context policy",
        value: "4 + 32 from 0 of 32",
        limit: "4 + 16 from 0 of 16",
      },
    ],
    ["another precision", { ...contexts.streaming, kv: "f16" }, { what: "The snapshot was made with another precision of the cache" }],
    [
      "another precision of a layer",
      { ...contexts.streaming, kv: "mixed", headMap: { ...headMap, precision: ["kv8", "kv4"] } },
      { what: "The snapshot was made with another precision of the cache" },
    ],
    [
      "no policy",
      { policy: "dense", kv: "kv8" },
      { what: "The snapshot was made with another context policy", value: "streaming", limit: "dense" },
    ],
  ] as const)("a snapshot is refused by %s", async (_, context, error) => {
    await withEngines([contexts.streaming, context], async (tiny, other) => {
      await answer(tiny, digits(100), { maxTokens: 4 });
      const refused = other.engine.restore(new BytesSource(await takeSnapshot(tiny)), fingerprint);
      await expect(refused).rejects.toMatchObject({ code: "snapshot-mismatch", ...error });
    });
  });

  test("a snapshot is refused where its gaps are not those of its policy, though their sum is right", async () => {
    await withEngines([contexts.duo, contexts.duo], async (tiny, other) => {
      await answer(tiny, digits(200), { maxTokens: 4 });
      const bytes = await takeSnapshot(tiny);
      const tokens = tiny.engine.contextTokens;
      const gapsAt = 12 + new DataView(bytes.buffer).getUint32(8, true) + 4 + tokens * 4 + 4;
      const gapBytes = 2 * 2 * 2 * 4;
      const random = createRandom(4);
      const pick = [0, 1, 15, 16, 17, 32, tokens, 1 << 20, 0xffff_fff0, 0xffff_ffff];
      let refused = 0;
      for (let round = 0; round < 60; round++) {
        const edited = bytes.slice();
        const view = new DataView(edited.buffer);
        const at = gapsAt + 4 * random.integer(gapBytes / 4);
        const value = random.next() < 0.5 ? random.pick(pick) : 16 * random.integer(20);
        if (view.getUint32(at, true) === value) continue;
        view.setUint32(at, value, true);
        const before = [edited.subarray(0, gapsAt - tokens * 4 - 8), edited.subarray(gapsAt - tokens * 4 - 4, gapsAt - 4)];
        const sum = [...before, edited.subarray(gapsAt, gapsAt + gapBytes)].reduce((crc, part) => crc32(part, crc), 0);
        view.setUint32(gapsAt + gapBytes, sum, true);
        // A gap that could be is found out by what comes behind it.
        await expect(other.engine.restore(new BytesSource(edited), fingerprint)).rejects.toMatchObject({ code: "snapshot-damaged" });
        refused++;
      }
      expect(refused).toBeGreaterThan(30);
      await other.engine.restore(new BytesSource(bytes), fingerprint);
      expect(other.engine.contextTokens).toBe(tokens);
    });
  });

  test("a conversation that was restored can be edited and marked as one that was read", async () => {
    await withEngines([contexts.streaming, contexts.streaming], async (tiny, other) => {
      await answer(tiny, digits(100), { maxTokens: 30 });
      await other.engine.restore(new BytesSource(await takeSnapshot(tiny)), fingerprint);
      const { contextIds } = other.engine;
      const turn = (text: string): { ids: Uint32Array } => ({ ids: new Uint32Array([...contextIds, ...other.tokenizer.encode(text)]) });
      const first = await answer(other, turn("!"), { maxTokens: 40 });
      const again = await answer(other, turn("!"), { maxTokens: 40 });
      expect(again.text).toBe(first.text);
      expect(again.summary.cachedTokens).toBe(contextIds.length);
      await forget(other);
      expect((await answer(other, turn("!"), { maxTokens: 40 })).text).toBe(first.text);
    });
  });
}
