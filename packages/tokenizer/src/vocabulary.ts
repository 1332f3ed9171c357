import { LongtabError } from "@longtab/errors";
import { readBoolean, readNumbers, readOptional, readString, readStrings } from "@longtab/formats";
import type { Metadata } from "@longtab/formats";
import { Attribute, SPECIAL } from "./attributes.ts";
import { eogIds, markControlTokens } from "./end-of-generation.ts";
import { preTokenizer } from "./pre-tokenizers.ts";
import type { PreTokenizer } from "./pre-tokenizers.ts";

/** GGUF's token types, by number, as attributes. Types 0 (undefined), 1 (normal) and 5 (unused) have none. */
const TYPE_ATTRIBUTES = [0, 0, Attribute.unknown, Attribute.control, Attribute.userDefined, 0, Attribute.byte];

/** Merges; `MergeRule` takes no more ranks. The largest vocabularies have some 515,000. */
const MOST_MERGES = 2 ** 21;

/** The tokens of a model file and what it says about them. V tokens; an id is an index below V. */
export interface Vocabulary {
  /** Byte-level BPE with a pre-tokeniser, or SentencePiece's BPE by scores. */
  readonly kind: { readonly type: "bpe"; readonly pre: PreTokenizer } | { readonly type: "spm" };
  /** [V] */
  readonly texts: readonly string[];
  readonly ids: ReadonlyMap<string, number>;
  /** [V], bits of `Attribute`. */
  readonly attributes: Uint8Array;
  /** [V] in SentencePiece vocabularies, higher merges first. */
  readonly scores: ArrayLike<number> | undefined;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly unknownId: number | undefined;
  readonly paddingId: number | undefined;
  readonly eogIds: ReadonlySet<number>;
  readonly addBos: boolean;
  /** SentencePiece: text after a special token or at the start is preceded by a space. */
  readonly addSpacePrefix: boolean;
}

/**
 * Reads the vocabulary from a GGUF file's metadata.
 * @throws LongtabError `unsupported-tokenizer` for a tokeniser or pre-tokeniser that is not known, `file-malformed` for wrong metadata.
 */
export function readVocabulary(metadata: Metadata): Vocabulary {
  const kind = readKind(metadata);
  const texts = readTexts(metadata);
  const ids = new Map<string, number>();
  for (let id = 0; id < texts.length; id++) ids.set(texts[id] as string, id);
  if (ids.size !== texts.length) throw malformed("Two tokens in tokenizer.ggml.tokens have the same text");

  const attributes = readAttributes(metadata, texts.length);
  const id = (name: string): number | undefined => readId(metadata, name, texts.length);
  markControlTokens({ ids, attributes, id });
  const bosId = id("bos") ?? (kind.type === "spm" ? existing(1, texts) : undefined);
  const eosId = id("eos") ?? (kind.type === "spm" ? existing(2, texts) : undefined);
  const unknownId = id("unknown") ?? (kind.type === "spm" ? existing(0, texts) : undefined);
  const eog = eogIds({ ids, attributes, id }, eosId);
  markStripping(metadata, ids, attributes);
  return {
    kind,
    texts,
    ids,
    attributes,
    scores: kind.type === "spm" ? readScores(metadata, texts.length) : undefined,
    bosId,
    eosId,
    unknownId,
    paddingId: id("padding"),
    eogIds: eog,
    addBos: bosId !== undefined && (readFlag(metadata, "add_bos_token") ?? (kind.type === "spm" || kind.pre.addBos)),
    addSpacePrefix: kind.type === "spm" && (readFlag(metadata, "add_space_prefix") ?? true),
  };
}

function readKind(metadata: Metadata): Vocabulary["kind"] {
  const model = metadata.get("tokenizer.ggml.model");
  if (model === undefined || model === "none" || model === "no_vocab") {
    throw new LongtabError({
      code: "unsupported-tokenizer",
      what: "The file has no tokeniser",
      remedy: "use a file of a text model that includes its vocabulary",
    });
  }
  if (model === "llama") return { type: "spm" };
  if (model !== "gpt2") throw unsupported("tokeniser", model, "gpt2 (byte-level BPE) and llama (SentencePiece)");
  const name = readOptional(metadata, "tokenizer.ggml.pre", readString) ?? "default";
  const pre = preTokenizer(name);
  if (pre === undefined) throw unsupported("pre-tokeniser", name, "those of llama.cpp's byte-level BPE models");
  return { type: "bpe", pre };
}

function readTexts(metadata: Metadata): readonly string[] {
  const texts = readStrings(metadata, "tokenizer.ggml.tokens");
  if (texts.length === 0) throw malformed("The file's vocabulary has no tokens");
  // An empty text matches everywhere; llama.cpp gives it this name.
  return texts.includes("") ? texts.map((text, id) => (text === "" ? `[EMPTY_${id}]` : text)) : texts;
}

function readAttributes(metadata: Metadata, size: number): Uint8Array {
  const attributes = new Uint8Array(size);
  const types = readPerToken(metadata, "token_type", size);
  if (types !== undefined) for (let id = 0; id < size; id++) attributes[id] = TYPE_ATTRIBUTES[types[id] as number] ?? 0;
  return attributes;
}

function readScores(metadata: Metadata, size: number): ArrayLike<number> {
  return readPerToken(metadata, "scores", size) ?? new Float32Array(size);
}

/** Merges in the order of their rank, lowest first: "left right". */
export function readMerges(metadata: Metadata): readonly string[] {
  const key = "tokenizer.ggml.merges";
  const merges =
    metadata.get("tokenizer.ggml.pre") === "kimi-k2" ? (readOptional(metadata, key, readStrings) ?? []) : readStrings(metadata, key);
  if (merges.length > MOST_MERGES) throw malformed("The file has too many merges", merges.length, MOST_MERGES);
  return merges;
}

function readPerToken(metadata: Metadata, name: string, size: number): readonly number[] | undefined {
  const key = `tokenizer.ggml.${name}`;
  const values = readOptional(metadata, key, readNumbers);
  if (values !== undefined && values.length < size) throw malformed(`${key} is shorter than the list of tokens`, values.length, size);
  return values;
}

function readFlag(metadata: Metadata, name: string): boolean | undefined {
  return readOptional(metadata, `tokenizer.ggml.${name}`, readBoolean);
}

/** An id from the metadata; one beyond the vocabulary counts as absent, as in llama.cpp. */
function readId(metadata: Metadata, name: string, size: number): number | undefined {
  const value = metadata.get(`tokenizer.ggml.${name}_token_id`);
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < size ? value : undefined;
}

function existing(id: number, texts: readonly string[]): number | undefined {
  return id < texts.length ? id : undefined;
}

/** GGUF carries no lstrip and rstrip, so llama.cpp goes by names (its "Handle per token attributes"), and so must we. */
function markStripping(metadata: Metadata, ids: ReadonlyMap<string, number>, attributes: Uint8Array): void {
  const model = String(metadata.get("general.name") ?? "").toLowerCase();
  const mark = (text: string, bit: number): void => {
    const id = ids.get(text);
    if (id !== undefined) attributes[id] = (attributes[id] as number) | bit;
  };
  if (/jina-v2-(?:de|es|code)/.test(String(metadata.get("tokenizer.ggml.pre")))) mark("<mask>", Attribute.lstrip);
  else if (/phi-?3/.test(model)) {
    for (const [id, bits] of attributes.entries()) if (bits & SPECIAL) attributes[id] = bits | Attribute.rstrip;
    mark("</s>", Attribute.rstrip);
    for (const text of ["<unk>", "<s>", "<|endoftext|>"]) {
      const id = ids.get(text);
      if (id !== undefined) attributes[id] = (attributes[id] as number) & ~Attribute.rstrip;
    }
  }
}

function malformed(what: string, value?: number, limit?: number): LongtabError {
  return new LongtabError({
    code: "file-malformed",
    what,
    remedy: "download the file again, or take one from another source",
    ...(value === undefined ? {} : { value }),
    ...(limit === undefined ? {} : { limit }),
  });
}

function unsupported(what: string, value: unknown, known: string): LongtabError {
  return new LongtabError({
    code: "unsupported-tokenizer",
    what: `The model's ${what} is not supported; known are ${known}`,
    value: String(value),
    remedy: "use another model, or convert this one again with a current llama.cpp",
  });
}
