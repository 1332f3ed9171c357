import { rowByteLength } from "@longtab/formats";
import type { MetadataValue, ModelFile, TensorInfo, TensorType } from "@longtab/formats";
import type { MatrixName } from "@longtab/formats/testing";

export interface Sizes {
  hidden: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headSize: number;
  ffn: number;
  vocabulary: number;
  contextLength: number;
  /** One type for every matrix, or a type for each; Q8_0 where not named. */
  types?: TensorType | Partial<Record<MatrixName, TensorType>>;
}

export const small: Sizes = {
  hidden: 1536,
  layers: 2,
  heads: 24,
  kvHeads: 8,
  headSize: 64,
  ffn: 1536,
  vocabulary: 1000,
  contextLength: 8192,
};

/** The header of a llama of any size: what a plan reads. There are no bytes behind it. */
export function sizeModel({ hidden, layers, heads, kvHeads, headSize, ffn, vocabulary, contextLength, types }: Sizes): ModelFile {
  const tensors = new Map<string, TensorInfo>();
  let size = 0;
  const add = (name: string, type: TensorType, shape: number[]): void => {
    const byteLength = (shape.length === 1 ? 1 : (shape[0] ?? 0)) * rowByteLength(type, shape.at(-1) ?? 0);
    tensors.set(name, { name, type, shape, offset: size, byteLength });
    size += byteLength;
  };
  const matrix = (matrixName: MatrixName, name: string, rows: number, columns: number): void =>
    add(name, typeof types === "string" ? types : (types?.[matrixName] ?? "Q8_0"), [rows, columns]);
  matrix("embedding", "token_embd.weight", vocabulary, hidden);
  for (let layer = 0; layer < layers; layer++) {
    add(`blk.${layer}.attn_norm.weight`, "F32", [hidden]);
    matrix("query", `blk.${layer}.attn_q.weight`, heads * headSize, hidden);
    matrix("key", `blk.${layer}.attn_k.weight`, kvHeads * headSize, hidden);
    matrix("value", `blk.${layer}.attn_v.weight`, kvHeads * headSize, hidden);
    matrix("attentionOutput", `blk.${layer}.attn_output.weight`, hidden, heads * headSize);
    add(`blk.${layer}.ffn_norm.weight`, "F32", [hidden]);
    matrix("gate", `blk.${layer}.ffn_gate.weight`, ffn, hidden);
    matrix("up", `blk.${layer}.ffn_up.weight`, ffn, hidden);
    matrix("down", `blk.${layer}.ffn_down.weight`, hidden, ffn);
  }
  add("output_norm.weight", "F32", [hidden]);
  const metadata = new Map<string, MetadataValue>([
    ["general.architecture", "llama"],
    ["llama.block_count", layers],
    ["llama.context_length", contextLength],
    ["llama.embedding_length", hidden],
    ["llama.feed_forward_length", ffn],
    ["llama.attention.head_count", heads],
    ["llama.attention.head_count_kv", kvHeads],
    ["llama.attention.key_length", headSize],
    ["llama.attention.value_length", headSize],
    ["llama.attention.layer_norm_rms_epsilon", 1e-5],
  ]);
  return { format: "gguf", version: 3, size, metadata, tensors };
}
