import { pageTokens } from "@longtab/attention";
import { describe, expect, it } from "vitest";
import { createInput, Layer, runSteps, scene, shuffled, wholePages, worstError } from "./attention-scene.ts";
import type { Heads, Run, Scene } from "./attention-scene.ts";
import { openKernels } from "./kernels.ts";

/**
 * The reference rounds keys and values as pages do; what remains is queries and weights of 16 bits, f32 sums, and keys that f32 rotation rounds
 * to the neighbouring step. With heads of 256 channels a step of a query is 1 / 2000 of a typical channel.
 */
const tolerance = 4e-4;

/** Groups of 1 to 8 queries, heads of 8 to 256 channels, steps of one row, of less and more than a tile, lists of up to three splits. */
const cases: { heads: Heads; steps: number[] }[] = [
  { heads: { heads: 1, kvHeads: 1, headSize: 8 }, steps: [1] },
  { heads: { heads: 1, kvHeads: 1, headSize: 16 }, steps: [1, 1, 15, 1, 1] },
  { heads: { heads: 9, kvHeads: 3, headSize: 64 }, steps: [33, 1, 1, 65, 1] },
  { heads: { heads: 9, kvHeads: 3, headSize: 64 }, steps: [300, 280, 1] },
  { heads: { heads: 4, kvHeads: 4, headSize: 80 }, steps: [7, 2, 1] },
  { heads: { heads: 8, kvHeads: 1, headSize: 128 }, steps: [17, 40, 1] },
  { heads: { heads: 10, kvHeads: 2, headSize: 32 }, steps: [64, 1] },
  { heads: { heads: 4, kvHeads: 1, headSize: 256 }, steps: [19, 1] },
  { heads: { heads: 6, kvHeads: 1, headSize: 24 }, steps: [275, 4] },
  { heads: { heads: 14, kvHeads: 2, headSize: 40 }, steps: [270, 3] },
];

/** Lists the runs [token, count] of every page, in the order that `arrange` gives them, met by the rotation of their first token. */
function listing(
  runs: readonly (readonly [number, number])[],
  arrange: (entries: Run[]) => Run[] = (entries) => entries,
  rotationOf: (token: number) => number = () => 0,
): Scene["list"] {
  return (tokens) =>
    arrange(
      wholePages(tokens).flatMap((page) =>
        runs.map(([token, count]) => ({ position: page.position + token, count, rotation: rotationOf(page.position + token) })),
      ),
    );
}

describe("attention over pages", () => {
  for (const { heads, steps } of cases) {
    const label = `${heads.heads}/${heads.kvHeads} heads of ${heads.headSize}, steps ${steps.join("+")}`;
    const context = steps.reduce((sum, rows) => sum + rows, 0);
    it.each([
      ["without", true],
      ["with", false],
    ] as const)(`matches the reference %s rotation: ${label}`, async (_, still) => {
      const layer = new Layer(await openKernels("plain"), scene(heads, context, { still }));
      const input = createInput(layer.scene, context);
      const results = runSteps(layer, input, steps);
      let position = 0;
      for (const [index, y] of results.entries()) {
        expect(worstError(layer.scene, input, position, y)).toBeLessThan(tolerance);
        position += steps[index] ?? 0;
      }
    });
  }

  it("is within a hundredth of attention whose pages round nothing", async () => {
    const layer = new Layer(await openKernels("plain"), scene({ heads: 9, kvHeads: 3, headSize: 64 }, 301));
    const input = createInput(layer.scene, 301);
    const [, y] = runSteps(layer, input, [300, 1]);
    const store = (vector: readonly number[]): readonly number[] => vector;
    // Of values that are normally distributed.
    expect(worstError(layer.scene, input, 300, y ?? new Float32Array(), { store })).toBeLessThan(0.01);
  });

  it("meets each entry with its own rotation of the query", async () => {
    // Every third page is attended as if the query stood 100 positions nearer.
    const rotationOf = (token: number): number => (Math.floor(token / pageTokens) % 3 === 0 ? 1 : 0);
    const list = listing([[0, 16]], undefined, rotationOf);
    for (const steps of [
      [150, 1],
      [150, 21],
    ]) {
      const layer = new Layer(await openKernels("plain"), scene({ heads: 6, kvHeads: 2, headSize: 64 }, 171, { list, shifts: [0, -100] }));
      const input = createInput(layer.scene, 171);
      const results = runSteps(layer, input, steps);
      expect(worstError(layer.scene, input, 150, results[1] ?? new Float32Array(), { rotationOf })).toBeLessThan(tolerance);
    }
  });

  it.each([
    [
      "runs of 4 tokens",
      [
        [0, 4],
        [4, 4],
        [8, 4],
        [12, 4],
      ],
    ],
    [
      "runs that begin and end anywhere",
      [
        [0, 3],
        [3, 6],
        [9, 1],
        [10, 6],
      ],
    ],
    ["single tokens", Array.from({ length: 16 }, (_, token) => [token, 1] as const)],
  ] as const)("reads lists of %s in any order", async (_, runs) => {
    const list = listing(runs, shuffled);
    const layer = new Layer(await openKernels("plain"), scene({ heads: 6, kvHeads: 2, headSize: 32 }, 300, { list, still: true }));
    const input = createInput(layer.scene, 300);
    const [, several, one] = runSteps(layer, input, [280, 19, 1]);
    expect(worstError(layer.scene, input, 280, several ?? new Float32Array())).toBeLessThan(tolerance);
    expect(worstError(layer.scene, input, 299, one ?? new Float32Array())).toBeLessThan(tolerance);
  });

  it("reads nothing that is not listed", async () => {
    const sees = (token: number): boolean => [0, 1, 2, 7, 8, 9, 10, 11].includes(token % pageTokens);
    const list = listing([
      [0, 3],
      [7, 5],
    ]);
    const layer = new Layer(await openKernels("plain"), scene({ heads: 3, kvHeads: 1, headSize: 16 }, 200, { list, still: true }));
    const input = createInput(layer.scene, 200);
    const results = runSteps(layer, input, [190, 10]);
    expect(worstError(layer.scene, input, 190, results[1] ?? new Float32Array(), { sees })).toBeLessThan(tolerance);
  });

  it.each([
    { sinks: 4, recent: 64, from: 0, steps: [200, 61, 2, 1] },
    { sinks: 0, recent: 16, from: 100, steps: [90, 30, 1, 170] },
    { sinks: 33, recent: 0, from: 0, steps: [5, 300, 7] },
    { sinks: 16, recent: 256, from: 320, steps: [319, 3, 100] },
  ])("shows rows $sinks sinks and $recent recents from position $from on", async ({ steps, ...window }) => {
    const context = steps.reduce((sum, rows) => sum + rows, 0);
    for (const [simd, threads] of [
      ["plain", 1],
      ["relaxed", 2],
    ] as const) {
      const open = await openKernels(simd, threads);
      const layer = new Layer(open, scene({ heads: 6, kvHeads: 2, headSize: 32 }, context, { window, still: true }), threads);
      const input = createInput(layer.scene, context);
      let position = 0;
      for (const [index, y] of runSteps(layer, input, steps).entries()) {
        const alone = steps[index] === 1;
        const page = (token: number): number => Math.floor(token / pageTokens);
        const sees = (token: number, row: number): boolean =>
          alone || row < window.from || token < window.sinks || page(token) + window.recent / pageTokens >= page(row);
        expect(worstError(layer.scene, input, position, y, { sees })).toBeLessThan(tolerance);
        position += steps[index] ?? 0;
      }
      open.team.dispose();
    }
  });

  it("gives zeros to a row that sees no token", async () => {
    const list = listing([[8, 8]]);
    const layer = new Layer(await openKernels("plain"), scene({ heads: 2, kvHeads: 1, headSize: 8 }, 16, { list }));
    const y = layer.step(createInput(layer.scene, 16));
    expect(y.subarray(0, 8 * 16)).toEqual(new Float32Array(8 * 16));
    expect(y.subarray(8 * 16).every((value) => value !== 0)).toBe(true);
  });

  it("survives a key and a value of zeros, and scores that differ by thousands", async () => {
    const given = scene({ heads: 1, kvHeads: 1, headSize: 8 }, 40, { still: true });
    const input = createInput(given, 40);
    for (const [index, value] of input.entries()) input[index] = Math.floor(index / 24) % 5 === 2 && index % 24 >= 8 ? 0 : value * 40;
    const results = runSteps(new Layer(await openKernels("plain"), given), input, [39, 1]);
    const error = worstError(given, input, 39, results[1] ?? new Float32Array());
    // Scores of thousands carry an error of 16-bit queries of hundredths, values are 40 times as large.
    expect(error).toBeLessThan(40 * 0.05);
  });

  it("gives a row the same bits alone and among others, on one thread and on three", async () => {
    const heads: Heads = { heads: 9, kvHeads: 3, headSize: 64 };
    const splits = [[600], [300, 300], [590, 8, 1, 1], [1, 24, 7, 268, 9, 291], [280, ...Array.from({ length: 20 }, () => 1), 300]];
    for (const list of [
      wholePages,
      listing(
        [
          [0, 3],
          [3, 13],
        ],
        laterRunsFirst,
      ),
    ]) {
      const input = createInput(scene(heads, 600), 600);
      const results: Float32Array[] = [];
      for (const threads of [1, 3])
        for (const steps of splits) {
          const open = await openKernels("plain", threads);
          const layer = new Layer(open, scene(heads, 600, { list }), threads);
          results.push(joined(runSteps(layer, input, steps)));
          open.team.dispose();
        }
      for (const result of results) expect(bits(result).equals(bits(results[0] ?? new Float32Array()))).toBe(true);
    }
  });
});

/** Later runs of a page first: what is listed of earlier pages never changes. */
function laterRunsFirst(entries: Run[]): Run[] {
  const page = ({ position }: Run): number => Math.floor(position / pageTokens);
  return entries.toSorted((a, b) => page(a) - page(b) || b.position - a.position);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function bits({ buffer }: Float32Array): Buffer {
  return Buffer.from(buffer);
}
