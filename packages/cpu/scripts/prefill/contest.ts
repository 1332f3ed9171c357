import { parseGguf } from "@longtab/formats";
import type { ByteSource } from "@longtab/formats";
import type { CpuHost } from "../../src/host.ts";
import { blockColumns } from "../../src/forms.ts";
import type { OnnxRuntimeHost, ProductMatrix } from "../../src/onnxruntime/index.ts";
import { openProducts, stackedMatrix } from "../../src/onnxruntime/index.ts";
import { planCpuLoad } from "../../src/plan.ts";
import { start } from "../../src/start.ts";
import { loadWeights } from "../../src/weights.ts";
import type { Weight } from "../../src/weights.ts";

export interface ContestOptions {
  source: ByteSource;
  host: CpuHost;
  onnxRuntime: OnnxRuntimeHost;
  threads: number;
  rows: number;
  rounds: number;
}

export interface ContestResult {
  simd: string;
  threads: number;
  rows: number;
  /** Milliseconds of all layers' products, by round, pairs alternating. */
  own: number[];
  onnxRuntime: number[];
  /** Milliseconds until the weights of each were ready. */
  ownLoad: number;
  onnxRuntimeLoad: number;
  /** Bytes of ONNX Runtime's copies of the weights. */
  bytes: number;
  /** |theirs - ours| / |ours| of the first layer's products, by kind. */
  difference: Record<string, number>;
}

interface Pair {
  kind: string;
  name: string;
  weight: Weight;
  x: Float32Array;
}

/** All products of a model's layers without the head, by the kernels and by ONNX Runtime, on the same rows. */
export async function contest({ source, host, onnxRuntime, threads, rows, rounds }: ContestOptions): Promise<ContestResult> {
  const file = await parseGguf(source);
  const plan = planCpuLoad(file, { contextLength: 128 });
  let from = performance.now();
  const { heap, kernels, team, simd } = await start({ host, threads, limit: 2 ** 30 });
  const weights = await loadWeights(heap, kernels, plan, source, {});
  const ownLoad = performance.now() - from;

  const matrices: ProductMatrix[] = [];
  const pairs: Pair[] = [];
  for (const [index, t] of plan.tensors.layers.entries()) {
    const layer = weights.layers[index];
    if (!layer) throw new RangeError(`no layer ${index}`);
    for (const [kind, weight, tensors] of [
      ["qkv", layer.qkv, [t.query, t.key, t.value]],
      ["output", layer.attentionOutput, [t.attentionOutput]],
      ["gate|up", layer.gateUp, [t.gate, t.up]],
      ["down", layer.down, [t.down]],
    ] as const) {
      const name = `${index} ${kind}`;
      matrices.push(stackedMatrix(name, source, tensors));
      pairs.push({ kind, name, weight, x: noise(rows * weight.columns, pairs.length) });
    }
  }
  from = performance.now();
  const products = await openProducts(matrices, { host: onnxRuntime, threads });
  const onnxRuntimeLoad = performance.now() - from;

  const widest = Math.max(...pairs.map(({ weight }) => weight.rows));
  const deepest = Math.max(...pairs.map(({ weight }) => weight.columns));
  const [x, y] = [heap.allocate(rows * deepest * 4), heap.allocate(rows * widest * 4)];
  const inputs = heap.allocate(rows * (deepest / blockColumns) * 72);
  const scratch = heap.allocate(kernels.productScratch(widest));
  const runOwn = ({ weight, x: values }: Pair): void => {
    heap.f32(x, values.length).set(values);
    for (const { tiles, bits, inputs: form, firstRow, rows: out } of weight.parts) {
      kernels.quantise(x, rows, weight.columns, inputs, form);
      kernels.product(tiles, bits, inputs, form, y + firstRow * 4, rows, out, weight.columns / blockColumns, weight.rows, 0, scratch);
    }
  };
  const theirs = new Float32Array(rows * widest);
  const runTheirs = ({ name, weight, x: values }: Pair): Promise<void> =>
    products.run(name, values, theirs.subarray(0, rows * weight.rows));

  const difference: Record<string, number> = {};
  for (const pair of pairs.slice(0, 4)) {
    runOwn(pair);
    await runTheirs(pair);
    difference[pair.kind] = relativeError(theirs.subarray(0, rows * pair.weight.rows), heap.f32(y, rows * pair.weight.rows));
  }
  const result = { own: [] as number[], onnxRuntime: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    from = performance.now();
    for (const pair of pairs) runOwn(pair);
    result.own.push(performance.now() - from);
    from = performance.now();
    for (const pair of pairs) await runTheirs(pair);
    result.onnxRuntime.push(performance.now() - from);
  }
  const { bytes } = products;
  await products.dispose();
  team.dispose();
  return { simd, threads, rows, ...result, ownLoad, onnxRuntimeLoad, bytes, difference };
}

/** Seeded values of about normal size. */
function noise(length: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 30;
  });
}

function relativeError(y: Float32Array, exact: Float32Array): number {
  let [error, size] = [0, 0];
  for (const [index, value] of exact.entries()) {
    error += (value - (y[index] ?? NaN)) ** 2;
    size += value ** 2;
  }
  return Math.sqrt(error / size);
}
