import { pageTokens } from "@longtab/attention";
import { describe, expect, it } from "vitest";
import { createInput, Layer, rowsOf, runSteps, scene, tokenOf, worstError } from "./attention-scene.ts";
import type { Heads, Scene } from "./attention-scene.ts";
import { decode } from "./decode-page.ts";
import type { Decoded } from "./decode-page.ts";
import { openKernels } from "./kernels.ts";

/** As in attention.test.ts; closed pages round keys no more once they are read. */
const tolerance = 4e-4;

const shapes: Heads[] = [
  { heads: 9, kvHeads: 3, headSize: 64 },
  { heads: 1, kvHeads: 1, headSize: 8 },
  { heads: 4, kvHeads: 2, headSize: 40 },
];
const precisions = [
  { precision: "kv8", keyLevels: 255, valueLevels: 255 },
  { precision: "k8v4", keyLevels: 255, valueLevels: 16 },
  { precision: "kv4", keyLevels: 16, valueLevels: 16 },
] as const;

describe.each(precisions)("pages closed in $precision", ({ precision, keyLevels, valueLevels }) => {
  it.each(shapes)("hold keys by channel and values by token: $headSize channels", async (shape) => {
    const layer = new Layer(await openKernels("plain"), scene(shape, 70, { precision, still: true }));
    const input = createInput(layer.scene, 70);
    runSteps(layer, input, [70]);
    for (let page = 0; page < 4; page++) {
      for (let kvHead = 0; kvHead < shape.kvHeads; kvHead++) {
        const { closed, bytes } = layer.page(kvHead, page);
        expect(closed).toBe(true);
        const { keys, values } = decode(bytes, shape.headSize, precision);
        const tokens = Array.from({ length: pageTokens }, (_, token) => tokenOf(layer.scene, input, kvHead, page * pageTokens + token));
        const longest = Math.max(...tokens.map(({ key }) => Math.hypot(...key)));
        for (let channel = 0; channel < shape.headSize; channel++) {
          const column = tokens.map(({ key }) => key[channel] ?? NaN);
          const step = (Math.max(...column) - Math.min(...column)) / (keyLevels - 1);
          // Half a step, and what integers of a 30,000th of the longest key round.
          const bound = step / 2 + longest / 10_000;
          for (const [token, x] of column.entries()) expect(Math.abs((keys[token]?.[channel] ?? NaN) - x)).toBeLessThan(bound);
        }
        for (const [token, { value }] of tokens.entries()) {
          const most = Math.max(...value.map(Math.abs));
          const bound = most / (valueLevels - 1) + most / 250;
          for (const [channel, x] of value.entries()) expect(Math.abs((values[token]?.[channel] ?? NaN) - x)).toBeLessThan(bound);
        }
      }
    }
    expect(layer.page(0, 4).closed).toBe(false);
  });

  it.each(
    shapes.flatMap((shape) => [
      { shape, simd: "plain" as const, threads: 1 },
      { shape, simd: "relaxed" as const, threads: 2 },
    ]),
  )("are read as they are: $shape.headSize channels, $simd SIMD, $threads threads", async ({ shape, simd, threads }) => {
    const open = await openKernels(simd, threads);
    const layer = new Layer(open, scene(shape, 383, { precision, still: true }), threads);
    const input = createInput(layer.scene, 383);
    const store = (vector: readonly number[]): readonly number[] => vector;
    for (const rows of [300, 1, 3, 1, 77, 1]) {
      const position = layer.length;
      // What a step finds closed; its own pages close when it is over.
      const pages = new Map<string, Decoded>();
      for (let index = 0; index < Math.floor(position / pageTokens); index++)
        for (let kvHead = 0; kvHead < shape.kvHeads; kvHead++)
          pages.set(`${kvHead} ${index}`, decode(layer.page(kvHead, index).bytes, shape.headSize, precision));
      const held = (kvHead: number, token: number): { key: ArrayLike<number>; value: ArrayLike<number> } => {
        const page = pages.get(`${kvHead} ${Math.floor(token / pageTokens)}`);
        const [key, value] = [page?.keys[token % pageTokens], page?.values[token % pageTokens]];
        return key && value ? { key, value } : roundedAsOpen(tokenOf(layer.scene, input, kvHead, token));
      };
      const y = layer.step(rowsOf(layer.scene, input, position, position + rows));
      expect(worstError(layer.scene, input, position, y, { held, store })).toBeLessThan(tolerance);
    }
    open.team.dispose();
  });

  it("survive keys and values of zeros", async () => {
    const layer = new Layer(await openKernels("plain"), scene({ heads: 1, kvHeads: 1, headSize: 8 }, 33, { precision, still: true }));
    const input = createInput(layer.scene, 33).fill(0, 0, 16 * 24);
    const [, y] = runSteps(layer, input, [32, 1]);
    expect(y?.every(Number.isFinite)).toBe(true);
    expect(decode(layer.page(0, 0).bytes, 8, precision).keys.flat()).toEqual(Array.from({ length: 128 }, () => 0));
  });
});

describe("far pages", () => {
  it.each(["f16", "kv8"] as const)("are met at a fixed distance, in %s", async (precision) => {
    const far = 400;
    const context = 641;
    const list = (tokens: number): ReturnType<Scene["list"]> =>
      Array.from({ length: Math.ceil(tokens / pageTokens) }, (_, page) => {
        const position = page * pageTokens;
        return { position, count: pageTokens, rotation: tokens === context && position < far ? 0xffff_ffff : 0 };
      });
    const distance = 200;
    const shifts = [0, 0, distance - (context - 1)];
    const layer = new Layer(
      await openKernels("plain"),
      scene({ heads: 6, kvHeads: 2, headSize: 64 }, context, { list, precision, shifts }),
    );
    const input = createInput(layer.scene, context);
    const [, y] = runSteps(layer, input, [640, 1]);
    const shiftOf = (token: number, position: number): number =>
      token < far ? distance + Math.floor(token / pageTokens) * pageTokens - position : 0;
    // Against keys that nothing rounds; 8 bits by channel are within a hundredth.
    const store = (vector: readonly number[]): readonly number[] => vector;
    const options = precision === "f16" ? { shiftOf } : { shiftOf, store };
    expect(worstError(layer.scene, input, 640, y ?? new Float32Array(), options)).toBeLessThan(precision === "f16" ? 1e-3 : 0.02);
  });
});

/** As open pages do: keys in steps of 1 / 32767 of their length, values in steps of 1 / 127 of the largest. */
function roundedAsOpen({ key, value }: { key: Float32Array; value: Float32Array }): { key: number[]; value: number[] } {
  const round = (vector: Float32Array, scale: number): number[] =>
    Array.from(vector, (x) => (scale > 0 ? Math.round(x / scale) * scale : 0));
  return { key: round(key, Math.hypot(...key) / 32767), value: round(value, Math.max(...value.map(Math.abs)) / 127) };
}
