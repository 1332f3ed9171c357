import { Attribute, SPECIAL } from "./attributes.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A piece of text that is still text, or the id of a special token found in it. */
export type Fragment = string | number;

/** What `isspace` says in C's locale. */
const SPACES = "\t\n\v\f\r ";

/** The special tokens of a vocabulary, found in text by their first characters: one pass, however many tokens there are. */
export class SpecialTokens {
  readonly #vocabulary: Vocabulary;
  /** Longest first, in UTF-8 bytes; text is searched for them in this order, as in llama.cpp. */
  readonly #order: readonly number[];
  readonly #byFirst = new Map<number, number[]>();

  constructor(vocabulary: Vocabulary, wanted: (attributes: number, id: number) => boolean) {
    this.#vocabulary = vocabulary;
    const { texts, attributes } = vocabulary;
    const utf8 = new TextEncoder();
    const sizes = new Map<number, number>();
    for (let id = 0; id < attributes.length; id++) {
      const bits = attributes[id] as number;
      if (bits & SPECIAL && wanted(bits, id)) sizes.set(id, utf8.encode(texts[id]).length);
    }
    this.#order = Array.from(sizes.keys()).toSorted((a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0) || a - b);
    for (const id of this.#order) {
      const first = (texts[id] as string).charCodeAt(0);
      const others = this.#byFirst.get(first);
      if (others === undefined) this.#byFirst.set(first, [id]);
      else others.push(id);
    }
  }

  get ids(): readonly number[] {
    return this.#order;
  }

  /** Calls `found` for every occurrence, overlapping ones too, from left to right. */
  eachOccurrence(text: string, found: (id: number, at: number) => void): void {
    if (this.#order.length === 0) return;
    for (let at = 0; at < text.length; at++) {
      for (const id of this.#byFirst.get(text.charCodeAt(at)) ?? []) {
        if (text.startsWith(this.#vocabulary.texts[id] as string, at)) found(id, at);
      }
    }
  }

  /** Cuts text at its special tokens: all of the longest token first, then of the next, in what is left. */
  partition(text: string): Fragment[] {
    const present = new Set<number>();
    this.eachOccurrence(text, (id) => present.add(id));
    let fragments: Fragment[] = text === "" ? [] : [text];
    for (const id of this.#order) {
      if (present.has(id))
        fragments = fragments.flatMap((fragment) => (typeof fragment === "string" ? this.#cut(fragment, id) : [fragment]));
    }
    return fragments;
  }

  #cut(text: string, id: number): Fragment[] {
    const token = this.#vocabulary.texts[id] as string;
    const bits = this.#vocabulary.attributes[id] as number;
    const fragments: Fragment[] = [];
    const parts = text.split(token);
    for (const [index, part] of parts.entries()) {
      if (index > 0) fragments.push(id);
      let start = 0;
      let end = part.length;
      if (index > 0 && bits & Attribute.rstrip) while (start < end && SPACES.includes(part.charAt(start))) start++;
      if (index < parts.length - 1 && bits & Attribute.lstrip) while (end > start && SPACES.includes(part.charAt(end - 1))) end--;
      if (end > start) fragments.push(part.slice(start, end));
    }
    return fragments;
  }
}
