import { BytesSource, TENSOR_TYPES, dequantise } from "@longtab/formats";
import type { TensorInfo, TensorType } from "@longtab/formats";
import { createRandom, quantise } from "@longtab/formats/testing";
import type { Gpu } from "@longtab/gpu";
import { Recorder, openDevice, readBuffer } from "@longtab/gpu";
import { openTestGpu, testBackend } from "@longtab/gpu/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { FORMAT_OF } from "../weights/format.ts";
import { quantRowBytes } from "../weights/plan.ts";
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
  const files: Uint8Array<ArrayBuffer>[] = [];
  const infos: TensorInfo[] = [];
  const values: Float32Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const [type, rows] of parts) {
    const bytes = quantise(type, random.normals(rows * columns, 0.05));
    infos.push({ name: `${type}-${infos.length}`, type, shape: [rows, columns], offset, byteLength: bytes.length });
    files.push(bytes);
    offset += bytes.length;
    const plain = new Float32Array(rows * columns);
    dequantise(type, bytes, plain);
    values.push(plain);
  }
  return { source: new BytesSource(join(Uint8Array, files)), parts: infos, values: join(Float32Array, values) };
}

function join<T extends Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(type: new (length: number) => T, pieces: readonly T[]): T {
  const all = new type(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

interface Product {
  tokens?: number;
  accumulate?: boolean;
  tuning?: MatmulTuning;
}

/** Multiplies on the GPU and returns the worst error in units of the products' summed magnitude; NaN where y holds one. */
async function worstError(
  gpu: Gpu,
  { source, parts, values }: Matrix,
  { tokens = 1, accumulate = false, tuning }: Product,
): Promise<number> {
  const columns = parts[0]?.shape[1] ?? 0;
  const rows = values.length / columns;
  const random = createRandom(tokens);
  const x = random.normals(tokens * columns);
  const weight = await uploadWeight(gpu, source, parts);
  const before = random.normals(tokens * weight.stride);
  const xBuffer = gpu.createBuffer("x", x.byteLength, storage());
  const yBuffer = gpu.createBuffer("y", before.byteLength, storage());
  gpu.device.queue.writeBuffer(xBuffer, 0, x);
  gpu.device.queue.writeBuffer(yBuffer, 0, before);
  gpu.device.pushErrorScope("validation");
  new Recorder(gpu).submit((step) => {
    const uniform = step.uniform(Uint32Array.of(tokens, 0, 0, 0));
    matmul(step, tuning ?? defaultTuning(gpu.report), { weight, x: xBuffer, y: yBuffer, rows: tokens, accumulate, step: uniform });
  });
  expect((await gpu.device.popErrorScope())?.message).toBeUndefined();
  const y = new Float32Array(await readBuffer(gpu, yBuffer));
  disposeWeight(gpu, weight);
  gpu.destroyBuffer(xBuffer);
  gpu.destroyBuffer(yBuffer);
  const expected = matmulReference(values, x, columns);
  let worst = 0;
  for (const [index, found] of y.entries()) {
    const row = index % weight.stride;
    const at = Math.floor(index / weight.stride) * rows + row;
    const old = row < rows && !accumulate ? 0 : (before[index] ?? 0);
    const want = old + (row < rows ? (expected.y[at] ?? 0) : 0);
    const size = Math.abs(old) + (row < rows ? (expected.magnitude[at] ?? 0) : 0);
    if (Number.isNaN(found)) return NaN;
    worst = Math.max(worst, Math.abs(found - want) / size);
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

  it.each([1, 3])("multiplies %i rows by stacked tensors of different types and odd heights", async (tokens) => {
    expect(
      await worstError(
        gpu,
        matrix(
          1,
          [
            ["Q4_K", 7],
            ["Q4_K", 5],
            ["Q6_K", 8],
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
            ["Q4_1", 5],
            ["Q5_0", 2],
            ["Q8_0", 9],
          ],
          96,
        ),
        { tokens },
      ),
    ).toBeLessThan(tolerance);
  });

  it.each<MatmulTuning>([
    { matvec: { subgroups: false, lanes: 1, workgroup: 8 }, matmul: { subgroups: false, workgroup: 8 } },
    { matvec: { subgroups: false, lanes: 16, workgroup: 64 }, matmul: { subgroups: false, workgroup: 64 } },
  ])("multiplies by every mapping that tuning may choose: %j", async (tuning) => {
    const weight = matrix(1, [["Q4_1", 577]], 576);
    for (const tokens of [1, 9]) expect(await worstError(gpu, weight, { tokens, tuning })).toBeLessThan(tolerance);
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
    // Bindings of 64 rows: the table takes two shards.
    const limits = { ...gpu.report.limits, maxStorageBufferBindingSize: 64 * quantRowBytes(FORMAT_OF[type], 256) };
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
  it("every kernel compiles for every format and mapping", async () => {
    const gpu = await openDevice({ gpu: testBackend("null") });
    const recorder = new Recorder(gpu);
    const buffer = gpu.createBuffer("any", 65536, storage());
    const tunings: MatmulTuning[] = [
      { matvec: { subgroups: false, lanes: 16, workgroup: 64 }, matmul: { subgroups: false, workgroup: 64 } },
      { matvec: { subgroups: true, workgroup: 16 }, matmul: { subgroups: true, workgroup: 16 } },
    ];
    for (const type of TENSOR_TYPES) {
      const { source, parts } = matrix(1, [[type, 5]], 256);
      const weight = await uploadWeight(gpu, source, parts);
      const prepared = recorder.prepare((step) => {
        const uniform = step.uniform(new Uint32Array(4));
        for (const tuning of tunings)
          for (const rows of [1, 8]) matmul(step, tuning, { weight, x: buffer, y: buffer, rows, step: uniform });
        embed(step, { table: weight, ids: buffer, y: buffer, rows: 1, step: uniform });
      });
      await expect(prepared).resolves.toBeUndefined();
    }
    gpu.dispose();
  });
});
