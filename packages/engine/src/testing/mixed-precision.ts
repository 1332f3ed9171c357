import type { ContextOptions, HeadMap } from "@longtab/attention";
import { BytesSource } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { forwardReference, readReference } from "@longtab/model/testing";
import type { Sight } from "@longtab/model/testing";
import { describe, expect, test } from "vitest";
import { loadTiny } from "./tiny.ts";
import type { TestedBackend } from "./tiny.ts";

const vocabulary = 320;
const model = { seed: 5, contextLength: 128, vocabulary };
/** Six complete pages of each head and an open one. */
const ids = Array.from({ length: 100 }, (_, index) => (index * 61 + (index >> 3) * 7 + 3) % vocabulary);
const last = 317;
const everything: Sight = (_layer, _kvHead, position) => Array.from({ length: position + 1 }, (_, token) => ({ token, from: position }));

function mapOf(...precision: NonNullable<HeadMap["precision"]>): HeadMap {
  return { version: 1, model: "tiny", streaming: precision.map(() => [false, false]), precision };
}

interface Stored {
  /** What complete pages hold: [layers, pages by position]. */
  layers: Uint8Array[][];
  /** After a token that reads all of them. */
  logits: Float32Array;
  kvBudget: number;
}

/** Layers of different precision: each stores and reads what it would where all are like it. */
export function describeMixedPrecision(tested: TestedBackend): void {
  async function read(context: ContextOptions): Promise<Stored> {
    const { backend, engine } = await loadTiny(tested, model, { context: { policy: "dense", ...context } });
    const timeline = backend.createTimeline();
    for (let from = 0; from < ids.length; from += 16) await timeline.score(Uint32Array.from(ids.slice(from, from + 16)));
    const { kvHeads, pageBytes } = backend.cacheForm;
    const layers: Uint8Array[][] = pageBytes.closed.map(() => []);
    for (let block = 0; block < Math.floor(ids.length / 16); block++) {
      const bytes = await timeline.readBlocks(block, 1);
      let from = 0;
      for (const [layer, size] of pageBytes.closed.entries()) layers[layer]?.push(bytes.subarray(from, (from += kvHeads * size)));
      expect(from).toBe(bytes.length);
    }
    const logits = await timeline.score(Uint32Array.of(last));
    const { kvBudget } = backend.memory();
    timeline.dispose();
    engine.dispose();
    return { layers, logits, kvBudget };
  }

  const error = (logits: Float32Array, expected: readonly number[]): number => {
    const size = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    return size(expected.map((value, id) => (logits[id] ?? NaN) - value)) / size(expected);
  };

  describe("mixed precision", () => {
    test.each([
      // 4 bits are coarse for so small a model, in its first layer above all.
      ["kv4", "kv8", 0.25],
      ["kv8", "kv4", 0.06],
    ] as const)("stores the first layer in %s and the second in %s, and reads them so", async (first, second, tolerance) => {
      const mixed = await read({ kv: "mixed", headMap: mapOf(first, second) });
      const [ofFirst, ofSecond] = [await read({ kv: first }), await read({ kv: second })];
      expect(mixed.layers[0]).toEqual(ofFirst.layers[0]);
      // Rows of the first page have met open pages alone: what comes of them does not depend on how the layer before stores.
      expect(mixed.layers[1]?.[0]).toEqual(ofSecond.layers[1]?.[0]);
      expect(mixed.kvBudget).toBe((ofFirst.kvBudget + ofSecond.kvBudget) / 2);
      const reference = await readReference(new BytesSource(tinyModel(model)));
      const expected = forwardReference(reference, [...ids, last], everything).at(-1) ?? [];
      // What is read as it was not stored is off by more than 0.3.
      expect(error(mixed.logits, expected)).toBeLessThan(tolerance);
      expect(mixed.logits).not.toEqual(ofFirst.logits);
      expect(mixed.logits).not.toEqual(ofSecond.logits);
    });

    test("is that of all layers where the map gives them one", async () => {
      expect(await read({ kv: "mixed", headMap: mapOf("kv4", "kv4") })).toEqual(await read({ kv: "kv4" }));
    });

    test("is 8 bits where no map says what a layer needs", async () => {
      const headMap: HeadMap = { version: 1, model: "tiny", streaming: mapOf("kv8", "kv8").streaming };
      expect(await read({ kv: "mixed", headMap })).toEqual(await read({ kv: "kv8" }));
      const { backend, engine } = await loadTiny(tested, model, { context: { kv: "mixed" } });
      expect(backend.kvPrecision).toBe("kv8");
      engine.dispose();
    });
  });
}
