import { BytesSource, dequantise } from "@longtab/formats";
import type { TensorInfo } from "@longtab/formats";
import { afterAll, describe, expect, test } from "vitest";
import { openProducts, stackedMatrix } from "../src/onnxruntime/index.ts";
import type { OnnxRuntimeHost, ProductMatrix, Products } from "../src/onnxruntime/index.ts";
import { nodeOnnxRuntime } from "../src/onnxruntime/node.ts";

/*
 * The real ONNX Runtime against plain f64 products. Both factors are rounded to 8 bits: for normal values the error of a product is about 1% of
 * the outputs' size, more where there are few columns.
 */

const opened: Products[] = [];

afterAll(async () => {
  for (const products of opened) await products.dispose();
});

describe("products on ONNX Runtime", () => {
  test.each([
    { rows: 1, columns: 1, inputs: 1 },
    { rows: 3, columns: 5, inputs: 2 },
    { rows: 17, columns: 32, inputs: 7 },
    { rows: 96, columns: 96, inputs: 1 },
    { rows: 960, columns: 576, inputs: 33 },
    { rows: 576, columns: 1536, inputs: 130 },
  ])("$inputs rows times [$rows, $columns] are the plain product", async ({ rows, columns, inputs }) => {
    const w = normals(rows * columns, 1);
    const x = normals(inputs * columns, 2);
    const products = await open([inPieces("w", w, columns, 7)]);
    const y = new Float32Array(inputs * rows);
    await products.run("w", x, y);
    expect(relativeError(y, plainProduct(w, x, rows, columns))).toBeLessThan(0.015);
  });

  test("a few huge values among the inputs do not drown the others", async () => {
    const [rows, columns] = [64, 576];
    const w = normals(rows * columns, 3);
    const x = normals(columns, 4);
    // As in the activations of a first token: two channels, some hundreds of times the others.
    x[17] = 400;
    x[300] = -250;
    const products = await open([inPieces("w", w, columns, 64)]);
    const y = new Float32Array(rows);
    await products.run("w", x, y);
    const exact = plainProduct(w, x, rows, columns);
    expect(relativeError(y, exact)).toBeLessThan(0.015);
  });

  test("a row's bits depend on no other row", async () => {
    const [rows, columns, inputs] = [96, 192, 40];
    const x = normals(inputs * columns, 6);
    const products = await open([inPieces("w", normals(rows * columns, 5), columns, 96)]);
    const together = new Float32Array(inputs * rows);
    await products.run("w", x, together);
    for (const row of [0, 1, 39]) {
      const alone = new Float32Array(rows);
      await products.run("w", x.slice(row * columns, (row + 1) * columns), alone);
      expect(alone).toEqual(together.subarray(row * rows, (row + 1) * rows));
    }
  });

  test("zeros give zeros, and a NaN is not hidden", async () => {
    const products = await open([inPieces("w", normals(8 * 32, 7), 32, 8)]);
    const y = new Float32Array(2 * 8).fill(7);
    const x = new Float32Array(2 * 32);
    x[40] = NaN;
    await products.run("w", x, y);
    expect(y.subarray(0, 8)).toEqual(new Float32Array(8));
    expect(y.subarray(8).every(Number.isNaN)).toBe(true);
  });

  test("several matrices are told apart, and their bytes counted", async () => {
    const [a, b] = [normals(4 * 32, 8), normals(6 * 64, 9)];
    const seen: [number, number][] = [];
    const products = await openProducts([inPieces("a", a, 32, 4), inPieces("b", b, 64, 1)], {
      host: nodeOnnxRuntime,
      threads: 2,
      onProgress: (ready, total) => seen.push([ready, total]),
    });
    opened.push(products);
    const x = normals(64, 10);
    const y = new Float32Array(6);
    await products.run("b", x, y);
    expect(relativeError(y, plainProduct(b, x, 6, 64))).toBeLessThan(0.03);
    expect(products.bytes).toBe(4 * 32 + 6 * 64 + 4 * 10);
    expect(seen).toEqual([
      [1, 2],
      [2, 2],
    ]);
    await expect(products.run("c", x, y)).rejects.toMatchObject({ code: "internal" });
    await expect(products.run("b", x.subarray(1), y)).rejects.toMatchObject({ code: "internal" });
  });

  test("tensors below each other are read from a file's blocks", async () => {
    // Q8_0: an f16 scale of 1 (0x3c00) and 32 signed bytes.
    const block = (seed: number): Uint8Array => {
      const bytes = new Uint8Array(34);
      bytes[1] = 0x3c;
      const random = generator(seed);
      for (let i = 2; i < 34; i++) bytes[i] = Math.floor(random() * 256);
      return bytes;
    };
    const bytes = Uint8Array.from(Array.from({ length: 5 * 2 }, (_, index) => [...block(index)]).flat());
    const tensor = (name: string, first: number, rows: number): TensorInfo => ({
      name,
      type: "Q8_0",
      shape: [rows, 64],
      offset: first * 68,
      byteLength: rows * 68,
    });
    const matrix = stackedMatrix("qk", new BytesSource(bytes), [tensor("q", 0, 3), tensor("k", 3, 2)]);
    const products = await open([matrix]);
    const w = new Float32Array(5 * 64);
    dequantise("Q8_0", bytes, w);
    const x = normals(64, 11);
    const y = new Float32Array(5);
    await products.run("qk", x, y);
    expect(relativeError(y, plainProduct(w, x, 5, 64))).toBeLessThan(0.03);
  });
});

describe("where ONNX Runtime cannot run", () => {
  test("a build that cannot be fetched is an error with a remedy", async () => {
    const host: OnnxRuntimeHost = { shared: false, load: () => Promise.reject(new TypeError("Failed to fetch")) };
    await expect(openProducts([], { host, threads: 1 })).rejects.toMatchObject({
      code: "wasm-unavailable",
      cause: { message: "Failed to fetch" },
    });
  });

  test("an abort ends the reading of weights", async () => {
    const controller = new AbortController();
    const matrix: ProductMatrix = {
      name: "w",
      rows: 2,
      columns: 32,
      async *pieces() {
        yield new Float32Array(32);
        controller.abort();
        yield await Promise.resolve(new Float32Array(32));
      },
    };
    await expect(openProducts([matrix], { host: nodeOnnxRuntime, threads: 2, signal: controller.signal })).rejects.toMatchObject({
      code: "aborted",
    });
  });

  test("what the file's reader throws arrives as it is", async () => {
    const matrix: ProductMatrix = {
      name: "w",
      rows: 2,
      columns: 32,
      // eslint-disable-next-line require-yield
      async *pieces() {
        await Promise.resolve();
        throw new RangeError("the disk is gone");
      },
    };
    await expect(openProducts([matrix], { host: nodeOnnxRuntime, threads: 2 })).rejects.toThrow("the disk is gone");
  });
});

async function open(matrices: readonly ProductMatrix[]): Promise<Products> {
  const products = await openProducts(matrices, { host: nodeOnnxRuntime, threads: 2 });
  opened.push(products);
  return products;
}

function inPieces(name: string, w: Float32Array, columns: number, step: number): ProductMatrix {
  return {
    name,
    rows: w.length / columns,
    columns,
    async *pieces() {
      for (let at = 0; at < w.length; at += step * columns) yield await Promise.resolve(w.slice(at, at + step * columns));
    },
  };
}

function plainProduct(w: Float32Array, x: Float32Array, rows: number, columns: number): Float64Array {
  return Float64Array.from({ length: (x.length / columns) * rows }, (_, index) => {
    const [input, row] = [Math.floor(index / rows), index % rows];
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += (w[row * columns + k] ?? NaN) * (x[input * columns + k] ?? NaN);
    return sum;
  });
}

/** |y - exact| / |exact|, Euclidean. */
function relativeError(y: Float32Array, exact: Float64Array): number {
  const norm = (values: Iterable<number>): number => Math.sqrt([...values].reduce((sum, value) => sum + value * value, 0));
  return norm(Array.from(exact, (value, index) => value - (y[index] ?? NaN))) / norm(exact);
}

function normals(length: number, seed: number): Float32Array {
  const random = generator(seed);
  return Float32Array.from({ length }, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

/** Uniform in [0, 1): mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
