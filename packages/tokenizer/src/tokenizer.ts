import type { Metadata } from "@longtab/formats";
import { Attribute } from "./attributes.ts";
import { BpeEncoder } from "./bpe.ts";
import type { Encoder } from "./bpe.ts";
import { Chat } from "./chat.ts";
import type { ChatOptions, Message, ReadTemplate } from "./chat.ts";
import { StreamingDecoder, tokenBytes } from "./decoder.ts";
import type { DecodeOptions } from "./decoder.ts";
import { SpecialTokens } from "./special-tokens.ts";
import type { Fragment } from "./special-tokens.ts";
import { SpmEncoder } from "./spm.ts";
import { readMerges, readVocabulary } from "./vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

export interface EncodeOptions {
  /** Read the names of control tokens in the text as those tokens. By default they are text like any other. */
  special?: boolean;
}

/** Text to ids and back, by what a model's file says. Ids equal llama.cpp's. */
export class Tokenizer {
  readonly #vocabulary: Vocabulary;
  readonly #encoder: Encoder;
  readonly #chat: Chat;
  /** Tokens that are matched in any text (added words), and those that are matched where control tokens count too. */
  readonly #addedWords: SpecialTokens;
  readonly #special: SpecialTokens;

  private constructor(vocabulary: Vocabulary, encoder: Encoder, template: string | undefined, readTemplate: ReadTemplate) {
    this.#vocabulary = vocabulary;
    this.#encoder = encoder;
    this.#addedWords = new SpecialTokens(vocabulary, (bits) => (bits & (Attribute.control | Attribute.unknown)) === 0);
    this.#special = new SpecialTokens(vocabulary, () => true);
    this.#chat = new Chat(vocabulary, this.#special, template, readTemplate);
  }

  /**
   * Builds the tokeniser that a GGUF file's `tokenizer.*` metadata describes.
   * @throws LongtabError `unsupported-tokenizer` or `file-malformed`.
   */
  static fromMetadata(metadata: Metadata, readTemplate: ReadTemplate): Tokenizer {
    const vocabulary = readVocabulary(metadata);
    const { kind } = vocabulary;
    const encoder = kind.type === "spm" ? new SpmEncoder(vocabulary) : new BpeEncoder(vocabulary, kind.pre, readMerges(metadata));
    return new Tokenizer(vocabulary, encoder, chatTemplateOf(metadata), readTemplate);
  }

  get vocabularySize(): number {
    return this.#vocabulary.texts.length;
  }

  get bosId(): number | undefined {
    return this.#vocabulary.bosId;
  }

  get eosId(): number | undefined {
    return this.#vocabulary.eosId;
  }

  /** Every token after which the model has nothing more to say: end of text, of turn, of message. */
  get eogIds(): ReadonlySet<number> {
    return this.#vocabulary.eogIds;
  }

  /** Whether the model expects its prompts to start with `bosId`. `encode` never adds it; `encodeChat` does. */
  get addBos(): boolean {
    return this.#vocabulary.addBos;
  }

  /** The token as the file writes it, "" beyond the vocabulary. */
  tokenText(id: number): string {
    return this.#vocabulary.texts[id] ?? "";
  }

  /** The bytes that a token stands for, none beyond the vocabulary. */
  tokenBytes(id: number): Uint8Array {
    return tokenBytes(this.#vocabulary, id);
  }

  /** The ids of a text, without BOS. Lone surrogates count as U+FFFD. Takes O(N log N) for N characters, whatever they are. */
  encode(text: string, { special = false }: EncodeOptions = {}): Uint32Array {
    return this.#encodeFragments((special ? this.#special : this.#addedWords).partition(text.toWellFormed()));
  }

  /**
   * The ids of a conversation in the model's own chat format, the answer's opening included, with BOS where the model expects it.
   * Names of special tokens in a message's content are text.
   * @throws LongtabError `invalid-message` for messages that are not messages, `template-failed` where the template refuses them,
   * fails, or does not end within its limits.
   */
  encodeChat(messages: readonly Message[], options: ChatOptions = {}): Uint32Array {
    const ids = this.#encodeFragments(this.#chat.render(messages, options));
    const { addBos, bosId } = this.#vocabulary;
    if (!addBos || bosId === undefined || ids[0] === bosId) return ids;
    const withBos = new Uint32Array(ids.length + 1);
    withBos[0] = bosId;
    withBos.set(ids, 1);
    return withBos;
  }

  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const decoder = this.createDecoder(options);
    let text = "";
    for (const id of ids) text += decoder.push(id);
    return text + decoder.flush();
  }

  /** A decoder for ids that come one by one. */
  createDecoder(options: DecodeOptions = {}): StreamingDecoder {
    return new StreamingDecoder(this.#vocabulary, options);
  }

  #encodeFragments(fragments: readonly Fragment[]): Uint32Array {
    const ids: number[] = [];
    let afterSpecial = true;
    for (const fragment of fragments) {
      if (typeof fragment === "number") ids.push(fragment);
      else this.#encoder.encode(this.#vocabulary.addSpacePrefix && afterSpecial ? ` ${fragment}` : fragment, ids);
      afterSpecial = typeof fragment === "number";
    }
    return Uint32Array.from(ids);
  }
}

/** The chat template that a file brings along. */
export function chatTemplateOf(metadata: Metadata): string | undefined {
  const template = metadata.get("tokenizer.chat_template");
  return typeof template === "string" ? template : undefined;
}
