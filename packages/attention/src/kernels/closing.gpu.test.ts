import { runKernel, openTestGpu } from "@longtab/gpu/testing";
import type { Gpu } from "@longtab/gpu";
import { beforeAll, describe, expect, test } from "vitest";
import { pageTokens } from "../page.ts";
import { recordBytes, storageOf } from "../webgpu/storage.ts";
import type { PageStorage } from "../webgpu/storage.ts";
import { createNoise } from "./attention.scene.ts";
import { readRecord } from "./closed-page.reference.ts";
import type { ClosedPage } from "./closed-page.reference.ts";
import { closePage, recordConstants } from "./closing.ts";
import { stepWords } from "./step.ts";
import { packF16, roundToF16 } from "./f16.reference.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});

/** [16][E] of f16 numbers. */
type Tokens = number[][];

/** Keys as models make them: some channels far from 0, some wide, some that hardly move. */
function pageOf(seed: number, headSize: number): Tokens {
  const noise = createNoise(seed);
  const channels = Array.from({ length: headSize }, (_, c) => ({
    centre: c % 7 === 3 ? 12 * noise() : noise(),
    width: c % 5 === 1 ? 6 : c % 11 === 0 ? 0.01 : 1,
  }));
  return Array.from({ length: pageTokens }, () => channels.map(({ centre, width }) => roundToF16(centre + width * noise())));
}

function pack(pages: readonly Tokens[]): Uint32Array<ArrayBuffer> {
  return new Uint32Array(Uint16Array.from(pages.flat(2), packF16).buffer);
}

/** Closes pages of a pool of `pages`, as (source, target) pairs, and reads every record. */
async function close(
  keys: readonly Tokens[],
  values: readonly Tokens[],
  closings: readonly (readonly [number, number])[],
  storage: PageStorage,
): Promise<ClosedPage[]> {
  const headSize = keys[0]?.[0]?.length ?? 0;
  const bytes = recordBytes({ headSize }, storage);
  const { closed } = await runKernel(gpu, {
    kernel: closePage,
    constants: { ...recordConstants({ headSize }, storage), SHRINK: storage.shrink },
    workgroups: [closings.length],
    inputs: {
      step: stepWords({ tokens: 1, position: 0, rotations: 1, splits: 1, headSize }),
      closings: Uint32Array.from(closings.flat()),
      keys: pack(keys),
      values: pack(values),
      closed: new Uint8Array(keys.length * bytes),
    },
  });
  return keys.map((_, page) => readRecord(new Uint8Array(closed, page * bytes, bytes), headSize, storage));
}

/** The largest of what `distance` says of places [row][channel]. */
function worst(rows: Tokens, distance: (x: number, row: number, channel: number) => number): number {
  return Math.max(...rows.flatMap((row, r) => row.map((x, c) => distance(x, r, c))));
}

const precisions = [
  { precision: "f16", runTokens: 4 },
  { precision: "f16", runTokens: 16 },
  { precision: "kv8", runTokens: 4 },
  { precision: "k8v4", runTokens: 8 },
  { precision: "kv4", runTokens: 4 },
  { precision: "kv4", runTokens: undefined },
] as const;

describe("closing a page", () => {
  for (const headSize of [64, 8, 80, 256]) {
    for (const { precision, runTokens } of headSize === 64 ? precisions : precisions.slice(2, 4)) {
      const storage = storageOf(precision, runTokens);
      test(`keeps keys, values and boxes of ${headSize} channels: ${precision}, runs of ${runTokens ?? "none"}`, async () => {
        const keys = [1, 2, 3].map((seed) => pageOf(seed, headSize));
        const values = [4, 5, 6].map((seed) => pageOf(seed, headSize));
        // Page 2 of the pool becomes record 0, page 0 record 1.
        const records = await close(
          keys,
          values,
          [
            [2, 0],
            [0, 1],
          ],
          storage,
        );
        for (const [record, page] of [
          [0, 2],
          [1, 0],
        ] as const) {
          const found = records[record] as ClosedPage;
          const rows = keys[page] as Tokens;
          const { boxStep, keyStep, valueStep } = found;
          // A code is at most half a step away, or as far as the f16 that says where the codes begin was rounded: 2^-11 of it.
          const slack = 2 ** -10 * Math.max(...rows.flat().map(Math.abs));
          for (let run = 0; run < storage.boxRuns; run++) {
            const tokens = rows.slice((run * 16) / storage.boxRuns, ((run + 1) * 16) / storage.boxRuns);
            for (let c = 0; c < headSize; c++) {
              const channel = tokens.map((token) => token[c] ?? NaN);
              const mean = channel.reduce((sum, x) => sum + x, 0) / channel.length;
              const [low, high] = [Math.min(...channel), Math.max(...channel)].map((x) => storage.shrink * x + (1 - storage.shrink) * mean);
              const allowed = (boxStep[c] ?? NaN) / 2 + slack;
              expect(Math.abs((found.highs[run]?.[c] ?? NaN) - (high ?? NaN))).toBeLessThanOrEqual(allowed);
              expect(Math.abs((found.lows[run]?.[c] ?? NaN) - (low ?? NaN))).toBeLessThanOrEqual(allowed);
            }
          }
          // Steps are no coarser than the page's own numbers ask for, but for the 1/255 that a byte rounds.
          const widths = Array.from({ length: headSize }, (_, c) => {
            const channel = rows.map((token) => token[c] ?? NaN);
            return { low: Math.min(...channel), width: Math.max(...channel) - Math.min(...channel) };
          });
          const span = Math.max(...widths.map(({ low }) => low)) - Math.min(...widths.map(({ low }) => low));
          const widest = Math.max(...widths.map(({ width }) => width)) + span / 255;
          for (const [c, { width }] of widths.entries())
            expect((boxStep[c] ?? NaN) * 15).toBeLessThanOrEqual(width + (1.01 * (span + widest)) / 255 + slack);

          if (storage.keyBits === 16) continue;
          expect(worst(found.keys, (key, t, c) => Math.abs(key - (rows[t]?.[c] ?? NaN)) - (keyStep[c] ?? NaN) / 2)).toBeLessThan(slack);
          const stored = values[page] as Tokens;
          expect(worst(found.values, (value, t, c) => Math.abs(value - (stored[t]?.[c] ?? NaN)) - (valueStep[t] ?? NaN) / 2)).toBeLessThan(
            slack,
          );
        }
      });
    }
  }

  test("keeps a page whose keys are all the same", async () => {
    const same = Array.from({ length: pageTokens }, () => Array.from({ length: 16 }, () => 0.25));
    const [record] = await close([same], [same], [[0, 0]], storageOf("kv4", 4));
    expect([...(record?.keys ?? []), ...(record?.values ?? []), ...(record?.highs ?? []), ...(record?.lows ?? [])].flat()).toEqual(
      Array.from({ length: 2 * 16 * 16 + 8 * 16 }, () => 0.25),
    );
  });

  test("keeps the largest numbers of f16 finite", async () => {
    const page = Array.from({ length: pageTokens }, (_, t) => Array.from({ length: 16 }, (__, c) => ((t + c) % 2 === 0 ? 65504 : -65504)));
    const [record] = await close([page], [page], [[0, 0]], storageOf("kv8", 4));
    expect([...(record?.keys ?? []), ...(record?.values ?? [])].flat().every(Number.isFinite)).toBe(true);
  });
});

test("a page of keys and values takes the bytes that were planned", () => {
  const bytes = (["f16", "kv8", "k8v4", "kv4"] as const).map((precision) => recordBytes({ headSize: 64 }, storageOf(precision, 4)));
  expect(bytes).toEqual([400, 2512, 2000, 1488]);
});
