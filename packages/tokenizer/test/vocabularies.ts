import type { MetadataValue } from "@longtab/formats";
import { BYTE_CHARACTERS } from "../src/bpe.ts";

/** What fixtures/vocabularies.json holds; see scripts/record-ids.mjs. */
export interface SmallVocabularies {
  readonly merges: readonly string[];
  readonly pieces: readonly string[];
  readonly characters: string;
}

/** Every name of `tokenizer.ggml.pre` that has a recording. */
export const KINDS: readonly string[] = [
  "gpt-2 default smollm llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano dbrx smaug-bpe chatglm-bpe glm4 jais-2",
  "deepseek-llm deepseek-coder deepseek-v3 hunyuan-dense joyai-llm hy_v4 spark2_5 youtu falcon starcoder refact command-r codeshell exaone minerva-7b mellum2",
  "phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe gigachat a.x-4.0 mellum modern-bert mpt olmo jais trillion granite-docling exaone4",
  "qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2 qwen35 poro-chat bloom gpt3-finnish viking tekken gpt-4o llama4 kanana2 talkie",
  "minimax-m2 granite-embed-multi-97m tiny_aya cohere2moe chameleon kimi-k2 superbpe bailingmoe bailingmoe2 llada-moe seed-coder ufakzeka afmoe laguna exaone-moe minicpm5",
].flatMap((names) => names.split(" "));

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;
const BYTE = 6;

type Token = readonly [text: string, type: number];

const CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<repo_name>", "<reponame>"].map((text): Token => [
  text,
  CONTROL,
]);
export const ADDED_WORDS: readonly Token[] = ["<think>", "</think>", "<<SYS>>", "▁▁", "[INST]", "  \n"].map((text): Token => [
  text,
  USER_DEFINED,
]);
/** Words that no merges make: they come out whole only where merges are ignored. */
const WHOLE_WORDS = ["Hello", "Ġworld", "Ġtoday", "console", "Ġsnake", "Ġ(", "456", "ĠGet", "iPhone"].map((text): Token => [text, NORMAL]);

/** The small byte-level vocabulary under one pre-tokeniser's name. */
export function bpeMetadata({ merges }: SmallVocabularies, pre: string): Map<string, MetadataValue> {
  const made = Array.from(new Set(merges.map((merge) => merge.replace(" ", ""))), (text): Token => [text, NORMAL]);
  const bytes = BYTE_CHARACTERS.map((text): Token => [text, NORMAL]);
  const tokens = distinct([...CONTROL_TOKENS, ...ADDED_WORDS, ...bytes, ...made, ...WHOLE_WORDS]);
  return metadata("gpt2", tokens, [
    ["tokenizer.ggml.pre", pre],
    ["tokenizer.ggml.merges", merges],
    ["tokenizer.ggml.bos_token_id", 1],
    ["tokenizer.ggml.eos_token_id", 2],
  ]);
}

/** The small vocabulary by scores; four merges in a row share a score, so that the position decides among them. */
export function spmMetadata({ pieces, characters }: SmallVocabularies, addSpacePrefix: boolean): Map<string, MetadataValue> {
  const first: Token[] = [
    ["<unk>", UNKNOWN],
    ["<s>", CONTROL],
    ["</s>", CONTROL],
  ];
  const bytes = Array.from({ length: 256 }, (_, byte): Token => [`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, BYTE]);
  const words = [...pieces, "▁", ...characters].map((text): Token => [text, NORMAL]);
  const tokens = distinct([...first, ...bytes, ...ADDED_WORDS, ...words, ["<pad>", UNUSED]]);
  const scores = Float32Array.from(tokens, (_, id) => (id < 259 ? 0 : -Math.floor(id / 4)));
  return metadata("llama", tokens, [
    ["tokenizer.ggml.scores", scores],
    ["tokenizer.ggml.bos_token_id", 1],
    ["tokenizer.ggml.eos_token_id", 2],
    ["tokenizer.ggml.add_space_prefix", addSpacePrefix],
  ]);
}

/** Each text once, as it comes first. */
function distinct(tokens: readonly Token[]): Token[] {
  const first = new Map<string, Token>();
  for (const token of tokens) if (!first.has(token[0])) first.set(token[0], token);
  return Array.from(first.values());
}

function metadata(
  model: string,
  tokens: readonly Token[],
  rest: readonly (readonly [string, MetadataValue])[],
): Map<string, MetadataValue> {
  return new Map<string, MetadataValue>([
    ["general.architecture", "llama"],
    // What llama.cpp asks of any llama model before it reads the vocabulary.
    ["llama.context_length", 64],
    ["llama.embedding_length", 64],
    ["llama.feed_forward_length", 64],
    ["llama.attention.head_count", 1],
    ["llama.block_count", 1],
    ["llama.attention.layer_norm_rms_epsilon", 0.5],
    ["tokenizer.ggml.model", model],
    ["tokenizer.ggml.tokens", tokens.map(([text]) => text)],
    ["tokenizer.ggml.token_type", Int32Array.from(tokens, ([, type]) => type)],
    ...rest,
  ]);
}
