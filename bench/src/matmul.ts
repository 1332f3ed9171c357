import type { ByteSource, TensorInfo, TensorType } from "@longtab/formats";
import { tensorByteLength } from "@longtab/formats";
import type { Gpu, Step } from "@longtab/gpu";
import { Recorder, defineKernel, settled } from "@longtab/gpu";
import type { MatmulTuning, Weight } from "@longtab/model";
import { disposeWeight, matmul, uploadWeight } from "@longtab/model";
import copyWgsl from "./matmul-copy.wgsl?raw";
import multiplyAddWgsl from "./matmul-multiply-add.wgsl?raw";

/** A product as a model makes it: `tokens` rows of x by a weight of this shape. */
export interface ProductShape {
  readonly name: string;
  readonly type: TensorType;
  readonly rows: number;
  readonly columns: number;
  readonly tokens: number;
}

export interface ProductFigures extends ProductShape {
  /** Best of several runs. */
  milliseconds: number;
  /** Of the weight, as it lies on the GPU. */
  gigabytesPerSecond: number;
  /** A multiplication and an addition are two operations. */
  gigaflops: number;
  shareOfCopy: number;
  shareOfMultiplyAdd: number;
  /** Of the limit that is nearer: the bandwidth of a copy or the rate of multiplying and adding. */
  shareOfLimit: number;
}

export interface AdapterLimits {
  /** Bytes read and written by a copy kernel, GB/s. */
  copyGigabytesPerSecond: number;
  /** GFLOP/s of a loop without loads. */
  multiplyAddGigaflops: number;
}

/** The decode and prefill products of SmolLM2-135M in Q4_1 (output head Q8_0). */
export function modelProducts(tokens: number): ProductShape[] {
  const layer: ProductShape[] = [
    { name: "query, key, value", type: "Q4_1", rows: 960, columns: 576, tokens },
    { name: "attention output", type: "Q4_1", rows: 576, columns: 576, tokens },
    { name: "gate, up", type: "Q4_1", rows: 3072, columns: 576, tokens },
    { name: "down", type: "Q4_1", rows: 576, columns: 1536, tokens },
  ];
  return tokens === 1 ? [...layer, { name: "output head", type: "Q8_0", rows: 49152, columns: 576, tokens }] : layer;
}

/** Times every product against what a copy and a multiply-add loop reach on the same adapter, a moment before. */
export async function measureProducts(
  gpu: Gpu,
  tuning: MatmulTuning,
  shapes: readonly ProductShape[],
): Promise<{ limits: AdapterLimits; products: ProductFigures[] }> {
  const limits = { copyGigabytesPerSecond: await measureCopy(gpu), multiplyAddGigaflops: await measureMultiplyAdd(gpu) };
  const products: ProductFigures[] = [];
  for (const shape of shapes) products.push(await measureProduct(gpu, tuning, shape, limits));
  return { limits, products };
}

const copy = defineKernel({ name: "bench_copy", source: copyWgsl, bindings: { source: "read", to: "read_write" }, constants: [] });
const multiplyAdd = defineKernel({
  name: "bench_multiply_add",
  source: multiplyAddWgsl,
  bindings: { y: "read_write" },
  constants: ["ROUNDS"],
});

/** GB/s, bytes read and bytes written both counted, of copying 32 MiB. */
async function measureCopy(gpu: Gpu): Promise<number> {
  const bytes = 32 * 2 ** 20;
  const [source, to] = [createStorage(gpu, bytes), createStorage(gpu, bytes)];
  const workgroups = bytes / 16 / 64;
  const milliseconds = await bestTime(gpu, (step) => step.run(copy, { source, to }, {}, [1024, workgroups / 1024]));
  gpu.destroyBuffer(source);
  gpu.destroyBuffer(to);
  return (2 * bytes) / milliseconds / 1e6;
}

/** GFLOP/s of multiplying and adding in registers. */
async function measureMultiplyAdd(gpu: Gpu): Promise<number> {
  // A CPU that plays a GPU gets a hundredth of the work: 1 GFLOP against 137.
  const [invocations, rounds] = gpu.report.software ? [16384, 128] : [262144, 1024];
  const y = createStorage(gpu, invocations * 4);
  const milliseconds = await bestTime(gpu, (step) => step.run(multiplyAdd, { y }, { ROUNDS: rounds }, [invocations / 64]));
  gpu.destroyBuffer(y);
  return (invocations * rounds * 512) / milliseconds / 1e6;
}

/** More than caches hold, so that weights come from memory as they do in a model. */
const weightsInTurn = 64 * 2 ** 20;
const mostWeights = 16;

async function measureProduct(gpu: Gpu, tuning: MatmulTuning, shape: ProductShape, limits: AdapterLimits): Promise<ProductFigures> {
  const { type, rows, columns, tokens } = shape;
  const tensor: TensorInfo = {
    name: shape.name,
    type,
    shape: [rows, columns],
    offset: 0,
    byteLength: tensorByteLength(type, [rows, columns]),
  };
  const first = await uploadWeight(gpu, constantSource(tensor.byteLength), [tensor]);
  const weights: Weight[] = [first];
  while (weights.length < Math.min(mostWeights, weightsInTurn / first.bytes))
    weights.push(await uploadWeight(gpu, constantSource(tensor.byteLength), [tensor]));
  const x = createStorage(gpu, tokens * columns * 4);
  const y = createStorage(gpu, tokens * first.stride * 4);
  const all = await bestTime(gpu, (step) => {
    const uniform = step.uniform(Uint32Array.of(tokens, 0, 0, 0));
    for (const weight of weights) matmul(step, tuning, { weight, x, y, rows: tokens, step: uniform });
  });
  for (const weight of weights) disposeWeight(gpu, weight);
  gpu.destroyBuffer(x);
  gpu.destroyBuffer(y);
  const milliseconds = all / weights.length;
  const gigabytesPerSecond = first.bytes / milliseconds / 1e6;
  const gigaflops = (2 * rows * columns * tokens) / milliseconds / 1e6;
  const shareOfCopy = gigabytesPerSecond / limits.copyGigabytesPerSecond;
  const shareOfMultiplyAdd = gigaflops / limits.multiplyAddGigaflops;
  return {
    ...shape,
    milliseconds,
    gigabytesPerSecond,
    gigaflops,
    shareOfCopy,
    shareOfMultiplyAdd,
    shareOfLimit: Math.max(shareOfCopy, shareOfMultiplyAdd),
  };
}

/** Milliseconds of the best of many submits within a third of a second, five at least; the first, which compiles, is not among them. */
async function bestTime(gpu: Gpu, record: (step: Step) => void): Promise<number> {
  const recorder = new Recorder(gpu);
  recorder.submit(record);
  await settled(gpu);
  let best = Infinity;
  let spent = 0;
  for (let run = 0; run < 5 || (spent < 333 && run < 100); run += 1) {
    const start = performance.now();
    recorder.submit(record);
    await settled(gpu);
    const milliseconds = performance.now() - start;
    best = Math.min(best, milliseconds);
    spent += milliseconds;
  }
  return best;
}

function createStorage(gpu: Gpu, bytes: number): GPUBuffer {
  return gpu.createBuffer("bench", bytes, GPUBufferUsage.STORAGE);
}

/** A file of one byte over and over: 0x11, which makes small normal scales in every type. */
function constantSource(size: number): ByteSource {
  return { size, read: (_offset, length) => Promise.resolve(new Uint8Array(length).fill(0x11)) };
}
