import { throwIfAborted } from "@longtab/errors";
import type { ByteSource, ModelFile, TensorInfo } from "@longtab/formats";
import type { RotarySpec } from "@longtab/attention";
import type { Gpu } from "@longtab/gpu";
import type { ModelConfig } from "./config.ts";
import type { LayerTensors } from "./tensors.ts";
import { rotaryOf } from "./rotary.ts";
import { findTensors } from "./tensors.ts";
import type { Weight } from "./weights/weight.ts";
import { disposeWeight, uploadVector, uploadWeight } from "./weights/weight.ts";

/** One layer's weights on the device. Matrices that read the same input are stacked by rows, so that one dispatch serves them all. */
export interface LayerWeights {
  /** [D] */
  attentionNorm: GPUBuffer;
  /** [(H + 2G) E, D]: query, key, value. */
  qkv: Weight;
  /** [D, H E] */
  attentionOutput: Weight;
  /** [D] */
  ffnNorm: GPUBuffer;
  /** [2F, D]: gate, up. */
  gateUp: Weight;
  /** [D, F] */
  down: Weight;
}

/** A model's weights on the device, and what the file says about using them. */
export interface ModelWeights {
  config: ModelConfig;
  rotary: RotarySpec;
  /** [V, D] */
  embedding: Weight;
  layers: readonly LayerWeights[];
  /** [D] */
  outputNorm: GPUBuffer;
  /** [V, D]; the embedding itself in a tied model. */
  head: Weight;
  dispose(): void;
}

export interface UploadOptions {
  signal?: AbortSignal | undefined;
  /** Bytes of the file that are on the device, of those that must be. */
  onProgress?: ((loaded: number, total: number) => void) | undefined;
}

/**
 * Streams the weights to the device, a few MiB at a time; never holds the model in JavaScript.
 * @throws LongtabError `aborted`, `out-of-memory`, and what `source.read` throws; nothing stays allocated then.
 */
export async function uploadModel(
  gpu: Gpu,
  file: ModelFile,
  config: ModelConfig,
  source: ByteSource,
  { signal, onProgress }: UploadOptions = {},
): Promise<ModelWeights> {
  const tensors = findTensors(file, config);
  const total = [...file.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  let loaded = 0;
  const onBytes = (bytes: number): void => onProgress?.((loaded += bytes), total);
  const disposals: (() => void)[] = [];
  const dispose = (): void => {
    for (const free of disposals.splice(0)) free();
  };
  const matrix = async (...parts: TensorInfo[]): Promise<Weight> => {
    throwIfAborted(signal);
    const weight = await uploadWeight(gpu, source, parts, (bytes) => {
      onBytes(bytes);
      throwIfAborted(signal);
    });
    disposals.push(() => disposeWeight(gpu, weight));
    return weight;
  };
  const vector = async (tensor: TensorInfo): Promise<GPUBuffer> => {
    const buffer = await uploadVector(gpu, source, tensor, onBytes);
    disposals.push(() => gpu.destroyBuffer(buffer));
    return buffer;
  };
  const layer = async (t: LayerTensors): Promise<LayerWeights> => ({
    attentionNorm: await vector(t.attentionNorm),
    qkv: await matrix(t.query, t.key, t.value),
    attentionOutput: await matrix(t.attentionOutput),
    ffnNorm: await vector(t.ffnNorm),
    gateUp: await matrix(t.gate, t.up),
    down: await matrix(t.down),
  });
  try {
    const embedding = await matrix(tensors.embedding);
    const layers: LayerWeights[] = [];
    for (const t of tensors.layers) layers.push(await layer(t));
    const outputNorm = await vector(tensors.outputNorm);
    const head = tensors.head ? await matrix(tensors.head) : embedding;
    const factors = tensors.ropeFactors && (await source.read(tensors.ropeFactors.offset, tensors.ropeFactors.byteLength));
    if (factors) onBytes(factors.length);
    const rotary = rotaryOf(config, factors);
    return { config, rotary, embedding, layers, outputNorm, head, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}
