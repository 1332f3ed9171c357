import type { TensorType } from "../model-file.ts";
import { quantise } from "./quantise.ts";
import type { Random } from "./random.ts";
import { createRandom } from "./random.ts";
import { tinyVocabulary } from "./tiny-vocabulary.ts";
import type { MetadataEntry, WrittenTensor } from "./write-gguf.ts";
import { writeGguf } from "./write-gguf.ts";

/** The matrices of a layer, the embedding and the output head; norms are always F32. */
export type MatrixName = "embedding" | "output" | "query" | "key" | "value" | "attentionOutput" | "gate" | "up" | "down";

export interface TinyModelOptions {
  seed?: number;
  /** D, 64. The columns of every matrix but two, so whole blocks: 32 for the simple types, 256 for K-quants. */
  hidden?: number;
  layers?: number;
  /** Query heads, 4. */
  heads?: number;
  /** KV heads, 2; they divide `heads`. */
  kvHeads?: number;
  /** E, 16. `heads * headSize` are the columns of the attention output matrix: whole blocks. */
  headSize?: number;
  /** F, 128. The columns of the down matrix: whole blocks. */
  ffn?: number;
  /** Number of tokens, 320; at least 259: three specials and 256 bytes. The rest are merges. */
  vocabulary?: number;
  contextLength?: number;
  ropeBase?: number;
  /** One type for every matrix, or a type for each; the ones not named keep Q4_1, the embedding and output Q8_0. */
  types?: TensorType | Partial<Record<MatrixName, TensorType>>;
  /** Whether the output head is the embedding (no `output.weight` in the file), as in SmolLM2. */
  tied?: boolean;
}

const REAL_TYPES: Readonly<Record<MatrixName, TensorType>> = {
  embedding: "Q8_0",
  output: "Q8_0",
  query: "Q4_1",
  key: "Q4_1",
  value: "Q4_1",
  attentionOutput: "Q4_1",
  gate: "Q4_1",
  up: "Q4_1",
  down: "Q4_1",
};

const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/**
 * A complete GGUF file of a tiny llama with seeded random weights: the architecture, metadata keys, tokenizer and template of SmolLM2-135M-Instruct
 * at a size that a test can run. Same options, same bytes.
 */
export function tinyModel(options: TinyModelOptions = {}): Uint8Array<ArrayBuffer> {
  const { seed = 1, hidden = 64, layers = 2, heads = 4, kvHeads = 2, headSize = 16, ffn = 128, vocabulary = 320 } = options;
  const { contextLength = 256, ropeBase = 10_000, tied = true } = options;
  const types = typeof options.types === "string" ? allOf(options.types) : { ...REAL_TYPES, ...options.types };
  const { tokens, tokenTypes, merges } = tinyVocabulary(vocabulary);
  const metadata: MetadataEntry[] = [
    ["general.architecture", "string", "llama"],
    ["general.type", "string", "model"],
    ["general.name", "string", `Tiny llama ${seed}`],
    ["general.languages", "string[]", ["en"]],
    ["llama.block_count", "uint32", layers],
    ["llama.context_length", "uint32", contextLength],
    ["llama.embedding_length", "uint32", hidden],
    ["llama.feed_forward_length", "uint32", ffn],
    ["llama.attention.head_count", "uint32", heads],
    ["llama.attention.head_count_kv", "uint32", kvHeads],
    // As in real files: only where it is not D / H.
    ...(heads * headSize === hidden ? [] : headSizes(headSize)),
    ["llama.rope.freq_base", "float32", ropeBase],
    ["llama.attention.layer_norm_rms_epsilon", "float32", 1e-5],
    ["llama.vocab_size", "uint32", vocabulary],
    ["llama.rope.dimension_count", "uint32", headSize],
    ["tokenizer.ggml.add_space_prefix", "bool", false],
    ["tokenizer.ggml.add_bos_token", "bool", false],
    ["tokenizer.ggml.model", "string", "gpt2"],
    ["tokenizer.ggml.pre", "string", "smollm"],
    ["tokenizer.ggml.tokens", "string[]", tokens],
    ["tokenizer.ggml.token_type", "int32[]", tokenTypes],
    ["tokenizer.ggml.merges", "string[]", merges],
    ["tokenizer.ggml.bos_token_id", "uint32", 1],
    ["tokenizer.ggml.eos_token_id", "uint32", 2],
    ["tokenizer.ggml.unknown_token_id", "uint32", 0],
    ["tokenizer.ggml.padding_token_id", "uint32", 2],
    ["tokenizer.chat_template", "string", CHATML],
    ["general.quantization_version", "uint32", 2],
  ];
  const random = createRandom(seed);
  const matrix = (name: string, type: TensorType, rows: number, columns: number): WrittenTensor =>
    randomMatrix(random, name, type, rows, columns);
  const norm = (name: string): WrittenTensor => ({
    name,
    type: "F32",
    shape: [hidden],
    data: quantise(
      "F32",
      random.normals(hidden, 0.1).map((value) => 1 + value),
    ),
  });
  const layer = (index: number): WrittenTensor[] => [
    norm(`blk.${index}.attn_norm.weight`),
    matrix(`blk.${index}.ffn_down.weight`, types.down, hidden, ffn),
    matrix(`blk.${index}.ffn_gate.weight`, types.gate, ffn, hidden),
    matrix(`blk.${index}.ffn_up.weight`, types.up, ffn, hidden),
    norm(`blk.${index}.ffn_norm.weight`),
    matrix(`blk.${index}.attn_k.weight`, types.key, kvHeads * headSize, hidden),
    matrix(`blk.${index}.attn_output.weight`, types.attentionOutput, hidden, heads * headSize),
    matrix(`blk.${index}.attn_q.weight`, types.query, heads * headSize, hidden),
    matrix(`blk.${index}.attn_v.weight`, types.value, kvHeads * headSize, hidden),
  ];
  const tensors = [
    matrix("token_embd.weight", types.embedding, vocabulary, hidden),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    norm("output_norm.weight"),
    ...(tied ? [] : [matrix("output.weight", types.output, vocabulary, hidden)]),
  ];
  return writeGguf({ metadata, tensors });
}

function headSizes(headSize: number): MetadataEntry[] {
  return [
    ["llama.attention.key_length", "uint32", headSize],
    ["llama.attention.value_length", "uint32", headSize],
  ];
}

/** Normal weights scaled so that a product with a vector of unit variance has variance 4: logits differ enough to rank. */
function randomMatrix(random: Random, name: string, type: TensorType, rows: number, columns: number): WrittenTensor {
  return { name, type, shape: [rows, columns], data: quantise(type, random.normals(rows * columns, 2 / Math.sqrt(columns))) };
}

function allOf(type: TensorType): Record<MatrixName, TensorType> {
  return { embedding: type, output: type, query: type, key: type, value: type, attentionOutput: type, gate: type, up: type, down: type };
}
