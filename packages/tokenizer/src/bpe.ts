import { BPE } from "@huggingface/tokenizers";
import { HIDDEN } from "./attributes.ts";
import { Merger } from "./merge.ts";
import type { MergeRule } from "./merge.ts";
import type { PreTokenizer } from "./pre-tokenizers.ts";
import { PairTable } from "./pair-table.ts";
import { split } from "./split.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Words up to this many characters are remembered, up to this many of them: text repeats its words, and merging is the cost. */
const CACHED_LENGTH = 64;
const CACHED_WORDS = 20_000;

/** Bytes of the longest word that the library merges: words of real text, which the cache then remembers. */
const LONGEST_WORD = 64;

/** GPT-2's printable stand-ins: the character that the vocabulary writes for each byte. */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

/** Appends the ids of plain text to `ids`. */
export interface Encoder {
  encode(text: string, ids: number[]): void;
}

/**
 * Byte-level BPE (Sennrich et al. 2016, GPT-2's bytes), with llama.cpp's ids. Words are merged by @huggingface/tokenizers; those that are longer
 * than any real word by a merger of our own, whose memory is a few bytes per byte of text where the library's is an object and a string.
 */
export class BpeEncoder implements Encoder {
  readonly #pre: PreTokenizer;
  readonly #vocabulary: Vocabulary;
  readonly #bpe: BPE;
  readonly #merges: readonly string[];
  readonly #symbols: Symbols;
  #long: LongWordMerger | undefined;
  readonly #cache = new Map<string, readonly number[]>();
  readonly #utf8 = new TextEncoder();
  readonly #fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  #bytes = new Uint8Array(256);

  constructor(vocabulary: Vocabulary, pre: PreTokenizer, merges: readonly string[]) {
    this.#vocabulary = vocabulary;
    this.#pre = pre;
    this.#merges = merges;
    this.#symbols = new Symbols(vocabulary);
    // The library's own vocabulary is not used: tokens are looked up here, where those that text must not become are known.
    // Of a merge that is listed twice the first rank counts, where the library would take the last.
    const ranked = [...new Set(merges)].filter((merge) => merge.indexOf(" ", 1) > 0);
    this.#bpe = new BPE({ type: "BPE", vocab: {}, merges: ranked, unk_token: "" } as ConstructorParameters<typeof BPE>[0]);
  }

  encode(text: string, ids: number[]): void {
    for (const word of split(text, this.#pre.steps)) {
      const known = this.#cache.get(word);
      if (known !== undefined) {
        for (const id of known) ids.push(id);
        continue;
      }
      const first = ids.length;
      this.#encodeWord(word, ids);
      if (word.length > CACHED_LENGTH) continue;
      if (this.#cache.size === CACHED_WORDS) this.#cache.clear();
      // A copy: the word itself is a slice, and would keep the text that it was cut from in memory.
      this.#cache.set(this.#fromUtf8.decode(this.#utf8.encode(word)), ids.slice(first));
    }
  }

  #encodeWord(word: string, ids: number[]): void {
    if (this.#bytes.length < 3 * word.length) this.#bytes = new Uint8Array(6 * word.length);
    const count = this.#utf8.encodeInto(word, this.#bytes).written;
    if (this.#pre.ignoreMerges) {
      let spelling = "";
      if (count <= 256) for (let i = 0; i < count; i++) spelling += BYTE_CHARACTERS[this.#bytes[i] as number] as string;
      const id = this.#vocabulary.ids.get(spelling);
      if (id !== undefined && !((this.#vocabulary.attributes[id] as number) & HIDDEN)) {
        ids.push(id);
        return;
      }
    }
    if (count > LONGEST_WORD) {
      this.#long ??= new LongWordMerger(this.#vocabulary, this.#symbols, this.#merges);
      this.#long.encode(this.#bytes.subarray(0, count), ids);
      return;
    }
    let spelling = "";
    for (let i = 0; i < count; i++) spelling += BYTE_CHARACTERS[this.#bytes[i] as number] as string;
    for (const token of this.#bpe.bpe(spelling)) this.#symbols.push(token, ids);
  }
}

/** Merges words of any length in O(n log n), in typed arrays that are kept for the next one. */
class LongWordMerger {
  readonly #tokens: number;
  readonly #rule: MergeRule;
  readonly #merger = new Merger();
  /** The symbol of each byte, or -1. */
  readonly #byteSymbols: Int32Array;
  readonly #spelled: ReadonlyMap<number, readonly number[]>;

  constructor(vocabulary: Vocabulary, symbols: Symbols, merges: readonly string[]) {
    this.#tokens = vocabulary.texts.length;
    this.#rule = mergeRule(merges, symbols);
    this.#byteSymbols = Int32Array.from(BYTE_CHARACTERS, (character) => symbols.find(character) ?? -1);
    this.#spelled = symbols.spelled();
  }

  encode(bytes: Uint8Array, ids: number[]): void {
    const merger = this.#merger;
    merger.reserve(bytes.length);
    for (let i = 0; i < bytes.length; i++) {
      merger.symbols[i] = this.#byteSymbols[bytes[i] as number] as number;
      merger.ends[i] = i + 1;
    }
    const left = merger.merge(this.#rule, bytes.length);
    for (let i = 0; i < left; i++) {
      const symbol = merger.symbols[i] as number;
      if (symbol >= 0 && symbol < this.#tokens) ids.push(symbol);
      else for (const id of this.#spelled.get(symbol) ?? []) ids.push(id);
    }
  }
}

/** Symbols are token ids, then the strings that merges name and that are no tokens which text may become. */
class Symbols {
  readonly #vocabulary: Vocabulary;
  readonly #others = new Map<string, number>();

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  find(text: string): number | undefined {
    const id = this.#vocabulary.ids.get(text);
    return id !== undefined && !((this.#vocabulary.attributes[id] as number) & HIDDEN) ? id : this.#others.get(text);
  }

  /** Whether that symbol is a token with this text. */
  isJoined(symbol: number, left: string, right: string): boolean {
    const text = this.#vocabulary.texts[symbol];
    if (text?.length !== left.length + right.length || !text.startsWith(left) || !text.endsWith(right)) return false;
    return !((this.#vocabulary.attributes[symbol] as number) & HIDDEN);
  }

  findOrAdd(text: string): number {
    const found = this.find(text);
    if (found !== undefined) return found;
    const added = this.#vocabulary.texts.length + this.#others.size;
    this.#others.set(text, added);
    return added;
  }

  /** Appends the id of a merged text. What is no token is spelled out: the ids of its ASCII characters, and nothing for the others, as in llama.cpp. */
  push(text: string, ids: number[]): void {
    const id = this.#token(text);
    if (id !== undefined) ids.push(id);
    else ids.push(...this.#spell(text));
  }

  /** The spelling of every symbol that is no token. */
  spelled(): ReadonlyMap<number, readonly number[]> {
    return new Map(Array.from(this.#others, ([text, symbol]) => [symbol, this.#spell(text)]));
  }

  #token(text: string): number | undefined {
    const id = this.find(text);
    return id !== undefined && id < this.#vocabulary.texts.length ? id : undefined;
  }

  #spell(text: string): number[] {
    return Array.from(text, (character) => (character < "\x80" ? this.#token(character) : undefined)).filter((id) => id !== undefined);
  }
}

function mergeRule(merges: readonly string[], symbols: Symbols): MergeRule {
  const pairs = new PairTable(merges.length);
  const ranks = new Int32Array(merges.length);
  const results = new Int32Array(merges.length);
  let expected = 0;
  for (let rank = 0; rank < merges.length; rank++) {
    const merge = merges[rank] as string;
    const space = merge.indexOf(" ", 1);
    if (space < 0) continue;
    const left = merge.slice(0, space);
    const right = merge.slice(space + 1);
    // Vocabularies mostly list what merges make in the order of the merges, which saves most of the time that searching takes.
    if (!symbols.isJoined(expected, left, right)) expected = symbols.findOrAdd(left + right);
    ranks[rank] = rank;
    results[rank] = expected++;
    pairs.add(symbols.findOrAdd(left), symbols.findOrAdd(right), rank);
  }
  return { ranks, results, find: (a, b) => (a < 0 || b < 0 ? -1 : pairs.find(a, b)) };
}

function byteCharacters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
}

function isPrintable(byte: number): boolean {
  return (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
}
