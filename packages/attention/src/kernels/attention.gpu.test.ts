import { openTestGpu } from "@longtab/gpu/testing";
import { readBuffer, Recorder } from "@longtab/gpu";
import type { Gpu } from "@longtab/gpu";
import { beforeAll, describe, expect, it } from "vitest";
import { KvCache } from "../cache.ts";
import { pageTokens } from "../page.ts";
import type { CacheShape } from "../page.ts";
import { dense } from "../policies/dense.ts";
import type { Policy } from "../policies/policy.ts";
import { rotationTable } from "../rotation.ts";
import type { RotarySpec } from "../rotation.ts";
import { layerCache } from "../webgpu/layer.ts";
import { GpuPagePool } from "../webgpu/pool.ts";
import { partialsLength, splitsOf, planAttention, recordAttention } from "./attention.ts";
import { attend } from "./attention.reference.ts";
import type { ReferenceToken } from "./attention.reference.ts";

/** f16 keys and values are the same on both sides; f32 sums over up to 600 tokens against f64. */
const tolerance = 2e-5;
/** Keys rotated in f32 can round to the neighbouring f16, which moves a score by up to 2^-11 of it. */
const rotatedTolerance = 2e-3;

const cases: { shape: Omit<CacheShape, "layers">; steps: number[] }[] = [
  { shape: { heads: 1, kvHeads: 1, headSize: 8 }, steps: [1] },
  { shape: { heads: 1, kvHeads: 1, headSize: 16 }, steps: [1, 1, 15, 1, 1] },
  { shape: { heads: 9, kvHeads: 3, headSize: 64 }, steps: [33, 1, 1, 65, 1] },
  { shape: { heads: 9, kvHeads: 3, headSize: 64 }, steps: [300, 280, 1] },
  { shape: { heads: 4, kvHeads: 4, headSize: 80 }, steps: [7, 2, 1] },
  { shape: { heads: 8, kvHeads: 1, headSize: 128 }, steps: [17, 40, 1] },
  { shape: { heads: 10, kvHeads: 2, headSize: 32 }, steps: [64, 1] },
  { shape: { heads: 4, kvHeads: 1, headSize: 256 }, steps: [19, 1] },
];

/** A seeded stream of numbers in [-1, 1). */
function createNoise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

const f16 = new Uint16Array(1);
/** Rounds to the nearest f16 by scaling: exact for the normal numbers used here. */
function roundToF16(x: number): number {
  f16[0] = 0;
  if (x === 0) return 0;
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(x))));
  const unit = 2 ** (exponent - 10);
  const quotient = x / unit;
  const floor = Math.floor(quotient);
  const rest = quotient - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return rounded * unit;
}

interface Scene {
  gpu: Gpu;
  shape: CacheShape;
  spec: RotarySpec;
  policy: Policy;
  /** Shift of the query for each rotation; [0] is 0. */
  shifts: number[];
  /** The rotation that a policy uses for a key. */
  rotationOf: (position: number) => number;
  /** Split lists as for a CPU that plays a GPU: four tokens to an invocation. */
  software?: boolean;
}

/** Runs steps of these sizes through layer 1 of a two-layer cache and compares every row of the last step with the reference. */
async function worstError({ gpu, shape, spec, policy, shifts, rotationOf, software = false }: Scene, steps: number[]): Promise<number> {
  const { heads, kvHeads, headSize } = shape;
  const noise = createNoise(7);
  const context = steps.reduce((sum, tokens) => sum + tokens, 0);
  const maxStep = Math.max(...steps);
  const pool = new GpuPagePool(gpu, shape, kvHeads * Math.ceil(context / pageTokens));
  const cache = new KvCache(pool, policy, context, maxStep);
  const plan = planAttention(shape, cache.lists.capacity, software);
  const recorder = new Recorder(gpu);
  const storage = (label: string, length: number): GPUBuffer =>
    gpu.createBuffer(label, length * 4, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
  const width = (heads + 2 * kvHeads) * headSize;
  const buffers = {
    qkv: storage("qkv", maxStep * width),
    rotations: storage("rotations", shifts.length * maxStep * headSize),
    queries: storage("queries", shifts.length * maxStep * heads * headSize),
    partials: storage("partials", partialsLength(plan)),
    y: storage("y", maxStep * heads * headSize),
  };
  const history: Float32Array<ArrayBuffer>[] = [];
  gpu.device.pushErrorScope("validation");
  for (const tokens of steps) {
    const position = cache.length;
    const qkv = Float32Array.from({ length: tokens * width }, noise);
    for (let row = 0; row < tokens; row++) history.push(qkv.slice(row * width, (row + 1) * width));
    const positions = shifts.flatMap((shift) => Array.from({ length: tokens }, (_, i) => position + i + shift));
    gpu.device.queue.writeBuffer(buffers.qkv, 0, qkv);
    gpu.device.queue.writeBuffer(buffers.rotations, 0, rotationTable(spec, positions));
    await cache.reserve(tokens);
    cache.append(tokens);
    const splits = splitsOf(plan, cache.lists.longest);
    recorder.submit((step) => {
      const uniform = step.uniform(new Uint32Array([tokens, position, shifts.length, splits, headSize]));
      recordAttention(step, plan, layerCache(pool, cache, 1), buffers, tokens, splits, uniform);
    });
  }
  const error = await gpu.device.popErrorScope();
  if (error) throw new Error(error.message);

  const rows = steps.at(-1) ?? 0;
  const y = new Float32Array(await readBuffer(gpu, buffers.y, 0, rows * heads * headSize * 4));
  let worst = 0;
  for (let row = 0; row < rows; row++) {
    const position = context - rows + row;
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const at = (token: number, start: number): Float32Array =>
        (history[token] as Float32Array).subarray(start * headSize, (start + 1) * headSize);
      const tokens = history.map((_, token): ReferenceToken => ({
        position: token,
        shift: shifts[rotationOf(token)] ?? 0,
        key: at(token, heads + kvHead),
        value: at(token, heads + kvHeads + kvHead),
      }));
      const expected = attend(spec, at(position, head), position, tokens, (vector) => vector.map(roundToF16));
      for (let e = 0; e < headSize; e++)
        worst = Math.max(worst, Math.abs((y[(row * heads + head) * headSize + e] ?? NaN) - (expected[e] ?? 0)));
      if (Number.isNaN(y[(row * heads + head) * headSize])) worst = Infinity;
    }
  }
  cache.dispose();
  pool.dispose();
  for (const buffer of Object.values(buffers)) gpu.destroyBuffer(buffer);
  return worst;
}

describe("attention over page lists", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });

  for (const { shape, steps } of cases) {
    const label = `${shape.heads}/${shape.kvHeads} heads of ${shape.headSize}, steps ${steps.join("+")}`;
    const still: RotarySpec = { headSize: shape.headSize, rotaryDimensions: 0, base: 10_000, linearFactor: 1 };
    const rotating: RotarySpec = { ...still, rotaryDimensions: shape.headSize };
    it(`matches the reference without rotation: ${label}`, async () => {
      const scene = { gpu, shape: { ...shape, layers: 2 }, spec: still, policy: dense, shifts: [0], rotationOf: () => 0 };
      expect(await worstError(scene, steps)).toBeLessThan(tolerance);
    });
    it(`matches the reference with rotation: ${label}`, async () => {
      const scene = { gpu, shape: { ...shape, layers: 2 }, spec: rotating, policy: dense, shifts: [0], rotationOf: () => 0 };
      expect(await worstError(scene, steps)).toBeLessThan(rotatedTolerance);
    });
  }

  for (const { shape, steps } of cases.filter(({ steps: [first = 0] }) => first > 16)) {
    it(`matches the reference with long splits: ${shape.heads}/${shape.kvHeads} heads of ${shape.headSize}, steps ${steps.join("+")}`, async () => {
      const spec = { headSize: shape.headSize, rotaryDimensions: 0, base: 10_000, linearFactor: 1 };
      const scene = { gpu, shape: { ...shape, layers: 2 }, spec, policy: dense, shifts: [0], rotationOf: () => 0, software: true };
      expect(await worstError(scene, steps)).toBeLessThan(tolerance);
    });
  }

  it("meets each entry with its own rotation of the query", async () => {
    // The first page is a sink: attended as if the query stood 100 positions nearer.
    const shifted: Policy = {
      ...dense,
      writeList(list, pages) {
        for (const [index, page] of pages.entries())
          list.entry(index, page, { token: 0, count: pageTokens, rotation: index === 0 ? 1 : 0 });
        list.end(pages.length);
      },
    };
    const spec: RotarySpec = { headSize: 64, rotaryDimensions: 64, base: 10_000, linearFactor: 1 };
    const scene = {
      gpu,
      shape: { layers: 2, heads: 6, kvHeads: 2, headSize: 64 },
      spec,
      policy: shifted,
      shifts: [0, -100],
      rotationOf: (position: number) => (position < 16 ? 1 : 0),
    };
    expect(await worstError(scene, [150, 1])).toBeLessThan(rotatedTolerance);
    expect(await worstError(scene, [150, 21])).toBeLessThan(rotatedTolerance);
  });
});
