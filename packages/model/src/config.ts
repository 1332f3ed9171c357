import { LongtabError } from "@longtab/errors";
import { readInteger, readNumber, readNumbers, readOptional, readString } from "@longtab/formats";
import type { Metadata, ModelFile } from "@longtab/formats";

/** A llama-like transformer's sizes. D hidden, H query heads, G kv heads, E head size, F ffn, V vocabulary. */
export interface ModelConfig {
  readonly architecture: "llama";
  readonly name: string;
  readonly layers: number;
  /** D */
  readonly hidden: number;
  /** H, a multiple of G. */
  readonly heads: number;
  /** G */
  readonly kvHeads: number;
  /** E, a multiple of 8. */
  readonly headSize: number;
  /** F */
  readonly ffn: number;
  /** V */
  readonly vocabulary: number;
  /** Tokens of context that the model was trained for. */
  readonly contextLength: number;
  readonly normEpsilon: number;
  readonly ropeBase: number;
  /** Channels of each head that rotate. */
  readonly ropeDimensions: number;
  /** Linear scaling of positions; 1 is none. */
  readonly ropeFactor: number;
  /** True when the output head is the embedding. */
  readonly tied: boolean;
  /** The quantisation as people name it: the type that holds most of the weights. */
  readonly quantisation: string;
  readonly parameters: number;
}

/** Largest sizes that make sense, so that products of them stay exact and a hostile file cannot ask for absurd work. */
const limits = {
  layers: 512,
  hidden: 65_536,
  heads: 1_024,
  headSize: 256,
  ffn: 1_048_576,
  vocabulary: 2_097_152,
  contextLength: 16_777_216,
} as const;

/** Rows of the prefill attention kernel, which a query group must fit into. */
const largestGroup = 32;

/**
 * Reads what a model file says about its architecture.
 * @throws LongtabError `unsupported-architecture`, or `file-malformed` for sizes that cannot be.
 */
export function readConfig(file: ModelFile): ModelConfig {
  const { metadata } = file;
  const architecture = readString(metadata, "general.architecture");
  if (architecture !== "llama") {
    throw new LongtabError({
      code: "unsupported-architecture",
      what: "This model's architecture is not supported",
      value: architecture,
      limit: "llama",
      remedy: "choose a model of the llama family",
    });
  }
  refuseVariants(metadata);
  const layers = readSize(metadata, "llama.block_count", limits.layers);
  const hidden = readSize(metadata, "llama.embedding_length", limits.hidden);
  const heads = readSize(metadata, "llama.attention.head_count", limits.heads);
  const kvHeads = metadata.has("llama.attention.head_count_kv") ? readSize(metadata, "llama.attention.head_count_kv", limits.heads) : heads;
  const headSize = metadata.has("llama.attention.key_length")
    ? readSize(metadata, "llama.attention.key_length", limits.hidden)
    : hidden / heads;
  const valueSize = readOptional(metadata, "llama.attention.value_length", readInteger) ?? headSize;
  const ffn = readSize(metadata, "llama.feed_forward_length", limits.ffn);
  const contextLength = readSize(metadata, "llama.context_length", limits.contextLength);
  const embedding = file.tensors.get("token_embd.weight");
  if (!embedding) throw malformed("The file does not have the tensor token_embd.weight");
  const vocabulary = embedding.shape[0] ?? 0;
  if (vocabulary < 1 || vocabulary > limits.vocabulary)
    throw malformed("The vocabulary has an impossible size", vocabulary, limits.vocabulary);
  const ropeDimensions = readOptional(metadata, "llama.rope.dimension_count", readInteger) ?? headSize;
  const ropeBase = readOptional(metadata, "llama.rope.freq_base", readNumber) ?? 10_000;
  const normEpsilon = readNumber(metadata, "llama.attention.layer_norm_rms_epsilon");

  if (heads % kvHeads !== 0) throw malformed("The query heads are not a multiple of the KV heads", `${heads} and ${kvHeads}`);
  if (heads / kvHeads > largestGroup)
    throw unsupported("More query heads share a KV head than the attention kernels take", heads / kvHeads, largestGroup);
  if (!Number.isInteger(headSize) || headSize % 8 !== 0 || headSize > limits.headSize)
    throw unsupported("The size of an attention head must be a multiple of 8 up to 256", headSize, limits.headSize);
  if (valueSize !== headSize) throw unsupported("Keys and values of different sizes are not supported", valueSize, headSize);
  if (ropeDimensions % 2 !== 0 || ropeDimensions > headSize)
    throw malformed("The rotating channels must be an even number and fit a head", ropeDimensions, headSize);
  if (!(ropeBase > 0)) throw malformed("The RoPE base must be positive", ropeBase);
  if (!(normEpsilon >= 0 && normEpsilon < 1)) throw malformed("The norm's epsilon is out of range", normEpsilon, 1);

  return {
    architecture,
    name: readOptional(metadata, "general.name", readString) ?? "unnamed model",
    layers,
    hidden,
    heads,
    kvHeads,
    headSize,
    ffn,
    vocabulary,
    contextLength,
    normEpsilon,
    ropeBase,
    ropeDimensions,
    ropeFactor: readRopeFactor(metadata),
    tied: !file.tensors.has("output.weight"),
    quantisation: commonestType(file),
    parameters: [...file.tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
  };
}

/** What the key llama.* can also say, and this forward pass does not do. */
function refuseVariants(metadata: Metadata): void {
  if ((readOptional(metadata, "llama.expert_count", readInteger) ?? 0) > 0) throw unsupported("Mixtures of experts are not supported");
  for (const key of ["llama.attention.head_count", "llama.attention.head_count_kv", "llama.feed_forward_length"]) {
    if (typeof metadata.get(key) === "object" && readNumbers(metadata, key).length > 0)
      throw unsupported(`Sizes that differ from layer to layer are not supported (${key})`);
  }
}

/** Defaults as llama.cpp has them: a factor without a type is linear, and a factor of 0 is none. */
function readRopeFactor(metadata: Metadata): number {
  const type = readOptional(metadata, "llama.rope.scaling.type", readString) ?? "linear";
  if (type === "none") return 1;
  // Yarn also scales the attention; dynamic scalings would break stored rotations.
  if (type !== "linear") throw unsupported("This kind of RoPE scaling is not supported", type, "linear");
  const factor =
    readOptional(metadata, "llama.rope.scaling.factor", readNumber) ?? readOptional(metadata, "llama.rope.scale_linear", readNumber) ?? 0;
  if (factor < 0) throw malformed("The RoPE scaling factor must be positive", factor);
  return factor === 0 ? 1 : factor;
}

function readSize(metadata: Metadata, key: string, limit: number): number {
  const value = readInteger(metadata, key);
  if (value < 1 || value > limit) throw malformed(`The metadata key ${key} is out of range`, value, limit);
  return value;
}

function commonestType(file: ModelFile): string {
  const bytes = new Map<string, number>();
  for (const { type, byteLength } of file.tensors.values()) bytes.set(type, (bytes.get(type) ?? 0) + byteLength);
  return [...bytes].toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? "";
}

function malformed(what: string, value?: string | number, limit?: number): LongtabError {
  return new LongtabError({
    code: "file-malformed",
    what,
    ...(value !== undefined && { value }),
    ...(limit !== undefined && { limit }),
    remedy: "use another file of the model",
  });
}

function unsupported(what: string, value?: string | number, limit?: string | number): LongtabError {
  return new LongtabError({
    code: "unsupported-architecture",
    what,
    ...(value !== undefined && { value }),
    ...(limit !== undefined && { limit }),
    remedy: "choose another model",
  });
}
