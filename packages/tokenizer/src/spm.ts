import { HIDDEN } from "./attributes.ts";
import type { Encoder } from "./bpe.ts";
import { Merger } from "./merge.ts";
import type { MergeRule } from "./merge.ts";
import type { Vocabulary } from "./vocabulary.ts";

/**
 * SentencePiece's BPE (Kudo and Richardson 2018) as llama.cpp runs it: any two neighbours that together are a token may merge, the highest
 * score first and the leftmost among equal ones, over the whole text; characters that are no token become byte tokens.
 * It cannot be said as ranked merges: tokens of equal score would need an order among them, where here the position decides.
 */
export class SpmEncoder implements Encoder {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #attributes: Uint8Array;
  readonly #rule: MergeRule & { text: string };
  readonly #merger = new Merger();
  /** The token of each byte, or -1. */
  readonly #byteIds: Int32Array;
  readonly #utf8 = new TextEncoder();

  constructor(vocabulary: Vocabulary) {
    const { ids, texts, attributes } = vocabulary;
    this.#ids = ids;
    this.#attributes = attributes;
    this.#byteIds = Int32Array.from({ length: 256 }, (_, byte) => {
      const name = `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
      return ids.get(name) ?? (byte < 128 ? ids.get(String.fromCharCode(byte)) : undefined) ?? vocabulary.unknownId ?? -1;
    });
    const longest = texts.reduce((length, text, id) => (this.#isHidden(id) ? length : Math.max(length, text.length)), 0);
    const rule = {
      text: "",
      ranks: descendingRanks(vocabulary),
      results: Int32Array.from(texts, (_, id) => id),
      find: (_left: number, _right: number, start: number, end: number) =>
        end - start > longest ? -1 : this.#find(rule.text.slice(start, end)),
    };
    this.#rule = rule;
  }

  encode(text: string, ids: number[]): void {
    const escaped = text.replaceAll(" ", "▁");
    const merger = this.#merger;
    merger.reserve(escaped.length);
    let count = 0;
    let end = 0;
    for (const character of escaped) {
      end += character.length;
      merger.symbols[count] = this.#find(character);
      merger.ends[count] = end;
      count++;
    }
    this.#rule.text = escaped;
    const left = merger.merge(this.#rule, count);
    for (let i = 0; i < left; i++) {
      const symbol = merger.symbols[i] as number;
      if (symbol >= 0) ids.push(symbol);
      else this.#spell(escaped.slice(i === 0 ? 0 : merger.ends[i - 1], merger.ends[i]), ids);
    }
    this.#rule.text = "";
  }

  #spell(character: string, ids: number[]): void {
    for (const byte of this.#utf8.encode(character)) {
      const id = this.#byteIds[byte] as number;
      if (id >= 0) ids.push(id);
    }
  }

  #find(text: string): number {
    const id = this.#ids.get(text);
    return id === undefined || this.#isHidden(id) ? -1 : id;
  }

  #isHidden(id: number): boolean {
    return ((this.#attributes[id] as number) & HIDDEN) !== 0;
  }
}

/** [V] the place of each token's score among the distinct scores, highest first. */
function descendingRanks({ scores, texts }: Vocabulary): Int32Array {
  const score = (id: number): number => scores?.[id] ?? 0;
  const order = Array.from(texts.keys()).toSorted((a, b) => (score(a) > score(b) ? -1 : Number(score(a) < score(b))));
  const ranks = new Int32Array(texts.length);
  let rank = 0;
  for (const [place, id] of order.entries()) {
    if (place > 0 && score(id) !== score(order[place - 1] as number)) rank++;
    ranks[id] = rank;
  }
  return ranks;
}
