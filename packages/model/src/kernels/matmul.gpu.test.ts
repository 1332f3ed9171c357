import { BytesSource, TENSOR_TYPES, dequantise } from "@longtab/formats";
import type { TensorInfo, TensorType } from "@longtab/formats";
import { createRandom, quantise } from "@longtab/formats/testing";
import type { Gpu } from "@longtab/gpu";
import { Recorder, openDevice, readBuffer } from "@longtab/gpu";
import { openTestGpu, testBackend } from "@longtab/gpu/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { disposeWeight, uploadWeight } from "../weights/weight.ts";
import { embed } from "./embed.ts";
import { embedReference, matmulReference } from "./matmul.reference.ts";
import type { MatmulTuning } from "./matmul-tuning.ts";
import { defaultTuning } from "./matmul-tuning.ts";
import { matmul } from "./matmul.ts";

const storage = (): number => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

interface Matrix {
  source: BytesSource;
  parts: TensorInfo[];
  /** What the file's definition says, f32 [rows, columns]. */
  values: Float32Array;
}

/** Tensors of normal weights, one behind the other in a file, stacked by rows. */
function matrix(seed: number, parts: readonly (readonly [TensorType, number])[], columns: number): Matrix {
  const random = createRandom(seed);
  const file: number[] = [];
  const infos: TensorInfo[] = [];
  const values: number[] = [];
  for (const [type, rows] of parts) {
    const bytes = quantise(type, random.normals(rows * columns, 0.05));
    infos.push({ name: `${type}-${infos.length}`, type, shape: [rows, columns], offset: file.length, byteLength: bytes.length });
    file.push(...bytes);
    const plain = new Float32Array(rows * columns);
    dequantise(type, bytes, plain);
    values.push(...plain);
  }
  return { source: new BytesSource(Uint8Array.from(file)), parts: infos, values: Float32Array.from(values) };
}

interface Product {
  tokens?: number;
  yStride?: number;
  yOffset?: number;
  accumulate?: boolean;
  tuning?: MatmulTuning;
}

/** Multiplies on the GPU and returns the worst error in units of the products' summed magnitude. */
async function worstError(
  gpu: Gpu,
  { source, parts, values }: Matrix,
  { tokens = 1, yStride, yOffset = 0, accumulate = false, tuning }: Product,
): Promise<number> {
  const columns = parts[0]?.shape[1] ?? 0;
  const rows = values.length / columns;
  const stride = yStride ?? rows;
  const random = createRandom(tokens);
  const x = random.normals(tokens * columns);
  const before = random.normals(tokens * stride);
  const weight = await uploadWeight(gpu, source, parts);
  const xBuffer = gpu.createBuffer("x", x.byteLength, storage());
  const yBuffer = gpu.createBuffer("y", before.byteLength, storage());
  gpu.device.queue.writeBuffer(xBuffer, 0, x);
  gpu.device.queue.writeBuffer(yBuffer, 0, before);
  gpu.device.pushErrorScope("validation");
  new Recorder(gpu).submit((step) => {
    const uniform = step.uniform(Uint32Array.of(tokens, 0, 0, 0));
    matmul(step, tuning ?? defaultTuning(gpu.report), {
      weight,
      x: xBuffer,
      y: yBuffer,
      rows: tokens,
      yStride: stride,
      yOffset,
      accumulate,
      step: uniform,
    });
  });
  expect((await gpu.device.popErrorScope())?.message).toBeUndefined();
  const y = new Float32Array(await readBuffer(gpu, yBuffer));
  disposeWeight(gpu, weight);
  gpu.destroyBuffer(xBuffer);
  gpu.destroyBuffer(yBuffer);
  const expected = matmulReference(values, x, columns);
  let worst = 0;
  for (let t = 0; t < tokens; t += 1) {
    for (let column = 0; column < stride; column += 1) {
      const row = column - yOffset;
      const inside = row >= 0 && row < rows;
      const old = before[t * stride + column] ?? 0;
      const want = (inside ? (expected.y[t * rows + row] ?? 0) : 0) + (inside && !accumulate ? 0 : old);
      const size = (inside ? (expected.magnitude[t * rows + row] ?? 0) : 0) + Math.abs(old);
      worst = Math.max(worst, Math.abs((y[t * stride + column] ?? NaN) - want) / size);
      if (Number.isNaN(y[t * stride + column])) return NaN;
    }
  }
  return worst;
}

/**
 * A sum of n products in f32 is off by at most about n * 2^-24 of their summed magnitude, by far less when it is summed in parts; scales times quants
 * and minimums times x are summed apart, which may cost a few times that.
 */
const tolerance = 2e-6;

const columnsOf = (type: TensorType): number[] => (type.endsWith("_K") ? [256, 768] : [32, 96, 256, 576]);

describe("matmul", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });

  it.each(TENSOR_TYPES)("multiplies %s by one row at any number of rows", async (type) => {
    for (const columns of columnsOf(type)) {
      for (const rows of [1, 3, 7, 65]) expect(await worstError(gpu, matrix(rows, [[type, rows]], columns), {})).toBeLessThan(tolerance);
    }
  });

  it.each(TENSOR_TYPES)("multiplies %s by many rows", async (type) => {
    const columns = type.endsWith("_K") ? 256 : 96;
    for (const [rows, tokens] of [
      [1, 2],
      [7, 3],
      [65, 5],
      [33, 17],
      [3, 33],
    ] as const) {
      expect(await worstError(gpu, matrix(rows, [[type, rows]], columns), { tokens })).toBeLessThan(tolerance);
    }
  });

  it.each([1, 2, 17])("multiplies %i rows by a matrix with more rows than a workgroup", async (tokens) => {
    expect(await worstError(gpu, matrix(1, [["Q4_1", 577]], 576), { tokens })).toBeLessThan(tolerance);
  });

  it.each([1, 3])("adds %i rows to what is there", async (tokens) => {
    expect(await worstError(gpu, matrix(1, [["Q4_1", 65]], 96), { tokens, accumulate: true })).toBeLessThan(tolerance);
  });

  it("writes columns of a wider matrix and leaves the others", async () => {
    expect(await worstError(gpu, matrix(1, [["Q8_0", 7]], 96), { tokens: 3, yStride: 20, yOffset: 5 })).toBeLessThan(tolerance);
  });

  it.each([1, 3])("multiplies %i rows by stacked tensors of different types and odd heights", async (tokens) => {
    expect(
      await worstError(
        gpu,
        matrix(
          1,
          [
            ["Q4_K", 7],
            ["Q4_K", 3],
            ["Q6_K", 5],
            ["Q8_0", 6],
          ],
          256,
        ),
        { tokens },
      ),
    ).toBeLessThan(tolerance);
    expect(
      await worstError(
        gpu,
        matrix(
          1,
          [
            ["Q4_0", 3],
            ["Q4_1", 6],
            ["Q5_0", 2],
            ["Q8_0", 9],
          ],
          96,
        ),
        { tokens },
      ),
    ).toBeLessThan(tolerance);
  });

  it("is exact for every mapping that tuning may choose", async () => {
    const weight = matrix(1, [["Q4_1", 577]], 576);
    for (const matvec of [
      { lanes: 1, quads: 2, workgroup: 8 },
      { lanes: 4, quads: 4, workgroup: 32 },
      { lanes: 32, quads: 1, workgroup: 64 },
    ]) {
      expect(await worstError(gpu, weight, { tuning: { ...defaultTuning(gpu.report), matvec } })).toBeLessThan(tolerance);
    }
  });

  it("works on a device with default limits", async () => {
    const small = await openTestGpu({ defaultLimits: true });
    for (const tokens of [1, 5]) expect(await worstError(small, matrix(1, [["Q5_K", 65]], 256), { tokens })).toBeLessThan(tolerance);
  });
});

/** The same device, which claims less. */
function withLimits(gpu: Gpu, limits: Gpu["report"]["limits"]): Gpu {
  return new Proxy(gpu, {
    get: (target, name) => {
      if (name === "report") return { ...target.report, limits };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

describe("embed", () => {
  it.each(TENSOR_TYPES)("looks up rows of %s, the last one for ids beyond the vocabulary", async (type) => {
    const gpu = await openTestGpu();
    const { source, parts, values } = matrix(9, [[type, 70]], 256);
    // Bindings of 64 rows of f32 at most: formats of one byte or more need two shards.
    const limits = { ...gpu.report.limits, maxStorageBufferBindingSize: 64 * 256 };
    const table = await uploadWeight(withLimits(gpu, limits), source, parts);
    const ids = [3, 0, 69, 5000, 63, 64, 65, 2];
    const idBuffer = gpu.createBuffer("ids", 4 * ids.length, storage());
    const y = gpu.createBuffer("y", 7 * 256 * 4, storage());
    gpu.device.queue.writeBuffer(idBuffer, 0, Uint32Array.from(ids));
    new Recorder(gpu).submit((step) => embed(step, { table, ids: idBuffer, y, rows: 7, step: step.uniform(Uint32Array.of(7, 1, 0, 0)) }));
    const found = new Float32Array(await readBuffer(gpu, y));
    const want = embedReference(values, ids.slice(1), 256);
    let worst = 0;
    for (const [i, value] of want.entries()) worst = Math.max(worst, Math.abs(value - (found[i] ?? NaN)));
    expect(worst).toBeLessThan(1e-7);
    disposeWeight(gpu, table);
  });
});

describe("on the null backend", () => {
  it("every kernel compiles for every format", async () => {
    const gpu = await openDevice({ gpu: testBackend("null") });
    const recorder = new Recorder(gpu);
    for (const type of TENSOR_TYPES) {
      const { source, parts } = matrix(1, [[type, 5]], 256);
      const weight = await uploadWeight(gpu, source, parts);
      const buffer = gpu.createBuffer("any", 65536, storage());
      await recorder.prepare((step) => {
        const uniform = step.uniform(new Uint32Array(4));
        for (const rows of [1, 8]) matmul(step, defaultTuning(gpu.report), { weight, x: buffer, y: buffer, rows, step: uniform });
        embed(step, { table: weight, ids: buffer, y: buffer, rows: 1, step: uniform });
      });
    }
    gpu.dispose();
  });
});
