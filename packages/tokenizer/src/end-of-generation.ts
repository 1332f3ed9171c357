import { Attribute } from "./attributes.ts";

/** GGUF files often leave out which tokens end a turn, so llama.cpp knows them by name (its `special_eog_ids`); the same names. */
const END_OF_GENERATION = [
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<|return|>",
  "<|call|>",
  "<|flush|>",
  "<|calls|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "</s>",
  "<|eom_id|>",
  "<EOT>",
  "_<EOT>",
  "[EOT]",
  "[EOS]",
  "<|end_of_text|>",
  "<end_of_utterance>",
  "<eos>",
  "<turn|>",
  "<|tool_response>",
  "<｜end▁of▁sentence｜>",
  "[e~[",
];

/** Fill-in-the-middle tokens by name. Those of `pad`, `rep` and `sep` also end a generation. */
const FILL_IN_THE_MIDDLE: Record<string, readonly string[]> = {
  pre: ["<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>", "<|prefix|>"],
  suf: ["<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>", "<|suffix|>"],
  mid: ["<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>", "<|middle|>"],
  pad: ["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"],
  rep: ["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"],
  sep: ["<|file_sep|>"],
};

/** The metadata's older names of the first three. */
const OLD_NAMES: Record<string, string> = { pre: "prefix", suf: "suffix", mid: "middle" };

/** gpt-oss writes these in its answers, so they are shown like words. */
const SHOWN_CONTROL = ["<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"];

export interface NamedTokens {
  readonly ids: ReadonlyMap<string, number>;
  readonly attributes: Uint8Array;
  /** The id that the metadata gives as `tokenizer.ggml.<name>_token_id`. */
  readonly id: (name: string) => number | undefined;
}

/** Tokens whose names say that they are control tokens become so, whatever type the file gives them. */
export function markControlTokens({ ids, attributes, id }: NamedTokens): void {
  const mark = (token: number | undefined): void => {
    if (token !== undefined) attributes[token] = (attributes[token] as number) | Attribute.control;
  };
  for (const [name, texts] of Object.entries(FILL_IN_THE_MIDDLE)) if (fimId(id, name) === undefined) mark(lowestId(ids, texts));
  for (const text of END_OF_GENERATION) mark(ids.get(text));
  for (const text of SHOWN_CONTROL) show(ids, attributes, text);
}

/** Every token after which a model has nothing more to say. */
export function eogIds(tokens: NamedTokens, eosId: number | undefined): ReadonlySet<number> {
  const { ids, attributes, id } = tokens;
  const named = END_OF_GENERATION.map((text) => ids.get(text));
  const middle = ["pad", "rep", "sep"].map((name) => fimId(id, name) ?? lowestId(ids, FILL_IN_THE_MIDDLE[name] ?? []));
  const all = new Set([...named, ...middle, eosId, id("eot"), id("eom")].filter((token) => token !== undefined));

  // gpt-oss and solar-open: <|end|> ends a message inside an answer.
  const has = (text: string): boolean => ids.has(text);
  const endsInside = (has("<|call|>") || has("<|calls|>")) && (has("<|return|>") || has("<|flush|>"));
  if (endsInside && drop(all, ids, "<|end|>")) show(ids, attributes, "<|end|>");
  // gemma 4: </s> is a word.
  const strikethrough = ids.get("</s>");
  if (has("<|tool_response>") && drop(all, ids, "</s>") && strikethrough !== undefined) attributes[strikethrough] = 0;
  return all;
}

function fimId(id: NamedTokens["id"], name: string): number | undefined {
  const old = OLD_NAMES[name];
  return id(`fim_${name}`) ?? (old === undefined ? undefined : id(old));
}

function lowestId(ids: ReadonlyMap<string, number>, texts: readonly string[]): number | undefined {
  const found = texts.map((text) => ids.get(text)).filter((id) => id !== undefined);
  return found.length === 0 ? undefined : Math.min(...found);
}

function drop(set: Set<number>, ids: ReadonlyMap<string, number>, text: string): boolean {
  const id = ids.get(text);
  return id !== undefined && set.delete(id);
}

function show(ids: ReadonlyMap<string, number>, attributes: Uint8Array, text: string): void {
  const id = ids.get(text);
  if (id !== undefined) attributes[id] = Attribute.userDefined;
}
