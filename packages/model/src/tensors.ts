import { LongtabError } from "@longtab/errors";
import type { ModelFile, TensorInfo } from "@longtab/formats";
import type { ModelConfig } from "./config.ts";

/** The tensors of one layer, in the order in which the forward pass meets them. */
export interface LayerTensors {
  attentionNorm: TensorInfo;
  query: TensorInfo;
  key: TensorInfo;
  value: TensorInfo;
  attentionOutput: TensorInfo;
  ffnNorm: TensorInfo;
  gate: TensorInfo;
  up: TensorInfo;
  down: TensorInfo;
}

export interface ModelTensors {
  embedding: TensorInfo;
  layers: readonly LayerTensors[];
  outputNorm: TensorInfo;
  /** Undefined when the output head is the embedding. */
  head: TensorInfo | undefined;
  /** Divisors of the RoPE frequencies (Llama 3.1's long context), [ropeDimensions / 2]. */
  ropeFactors: TensorInfo | undefined;
}

/**
 * Finds every tensor of the architecture and checks its shape.
 * @throws LongtabError `file-malformed` for a missing or misshapen tensor, `unsupported-architecture` for one that the forward pass would ignore.
 */
export function findTensors(file: ModelFile, config: ModelConfig): ModelTensors {
  const { hidden, heads, kvHeads, headSize, ffn, vocabulary, ropeDimensions } = config;
  const known = new Set<string>();
  const find = (name: string, ...shape: number[]): TensorInfo => {
    const tensor = file.tensors.get(name);
    if (!tensor)
      throw new LongtabError({
        code: "file-malformed",
        what: `The file does not have the tensor ${name}`,
        remedy: "use another file of the model",
      });
    if (tensor.shape.join() !== shape.join()) {
      throw new LongtabError({
        code: "file-malformed",
        what: `The tensor ${name} has the wrong shape`,
        value: tensor.shape.join(" x "),
        limit: shape.join(" x "),
        remedy: "use another file of the model",
      });
    }
    known.add(name);
    return tensor;
  };
  const norm = (name: string, size: number): TensorInfo => {
    const tensor = find(name, size);
    if (tensor.type !== "F32")
      throw new LongtabError({
        code: "unsupported-type",
        what: `The tensor ${name} has an unusual type`,
        value: tensor.type,
        limit: "F32",
        remedy: "use another file of the model",
      });
    return tensor;
  };
  const tensors: ModelTensors = {
    embedding: find("token_embd.weight", vocabulary, hidden),
    layers: Array.from({ length: config.layers }, (_, layer) => {
      const prefix = `blk.${layer}`;
      return {
        attentionNorm: norm(`${prefix}.attn_norm.weight`, hidden),
        query: find(`${prefix}.attn_q.weight`, heads * headSize, hidden),
        key: find(`${prefix}.attn_k.weight`, kvHeads * headSize, hidden),
        value: find(`${prefix}.attn_v.weight`, kvHeads * headSize, hidden),
        attentionOutput: find(`${prefix}.attn_output.weight`, hidden, heads * headSize),
        ffnNorm: norm(`${prefix}.ffn_norm.weight`, hidden),
        gate: find(`${prefix}.ffn_gate.weight`, ffn, hidden),
        up: find(`${prefix}.ffn_up.weight`, ffn, hidden),
        down: find(`${prefix}.ffn_down.weight`, hidden, ffn),
      };
    }),
    outputNorm: norm("output_norm.weight", hidden),
    head: file.tensors.has("output.weight") ? find("output.weight", vocabulary, hidden) : undefined,
    ropeFactors: file.tensors.has("rope_freqs.weight") ? norm("rope_freqs.weight", ropeDimensions / 2) : undefined,
  };
  for (const name of file.tensors.keys()) {
    if (!known.has(name))
      throw new LongtabError({
        code: "unsupported-architecture",
        what: "The file has a tensor that this runtime would have to ignore",
        value: name,
        remedy: "choose another model",
      });
  }
  return tensors;
}
