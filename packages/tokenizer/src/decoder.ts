import { BYTE_CHARACTERS } from "./bpe.ts";
import { Attribute } from "./attributes.ts";
import type { Vocabulary } from "./vocabulary.ts";

const NOTHING = new Uint8Array(0);

const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

export interface DecodeOptions {
  /** Show control tokens as their text; they are left out by default. */
  special?: boolean;
  /**
   * The ids continue a text instead of starting one. SentencePiece writes a space before the first word of a text, which decoding
   * takes off again; not so in the middle of one. Default false.
   */
  continues?: boolean;
}

/** The bytes that a token stands for: part of a character, many characters, or the text of a control token. */
export function tokenBytes(vocabulary: Vocabulary, id: number): Uint8Array {
  const text = vocabulary.texts[id];
  if (text === undefined) return NOTHING;
  const bits = vocabulary.attributes[id] as number;
  if (bits & Attribute.byte) return Uint8Array.of(Number.parseInt(text.slice(3, 5), 16));
  const utf8 = new TextEncoder();
  if (bits !== 0) return utf8.encode(text);
  if (vocabulary.kind.type === "spm") return utf8.encode(text.replaceAll("▁", " "));
  const bytes = Array.from(text, (character) => BYTE_OF_CHARACTER.get(character));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : utf8.encode(text);
}

/**
 * Ids in, text out, as they come: a character is given out when its last byte is there, and bytes that are no UTF-8 become U+FFFD
 * as `TextDecoder` does it. One token costs its own bytes and nothing more.
 */
export class StreamingDecoder {
  readonly #vocabulary: Vocabulary;
  readonly #special: boolean;
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  #dropSpace: boolean;

  constructor(vocabulary: Vocabulary, { special = false, continues = false }: DecodeOptions = {}) {
    this.#vocabulary = vocabulary;
    this.#special = special;
    this.#dropSpace = vocabulary.addSpacePrefix && !continues;
  }

  /** The text that this token completes, often "" in the middle of a character. */
  push(id: number): string {
    const bits = this.#vocabulary.attributes[id] ?? 0;
    const hidden = !this.#special && (bits & (Attribute.control | Attribute.unknown)) !== 0;
    const bytes = hidden ? NOTHING : tokenBytes(this.#vocabulary, id);
    const from = this.#dropSpace && bytes[0] === 0x20 ? 1 : 0;
    this.#dropSpace = false;
    return this.#utf8.decode(from === 0 ? bytes : bytes.subarray(from), { stream: true });
  }

  /** What is left at the end: U+FFFD where the ids stopped inside a character. */
  flush(): string {
    return this.#utf8.decode();
  }
}
