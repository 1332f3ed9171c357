import { LongtabError } from "@longtab/errors";
import type { Message } from "./chat.ts";
import type { SpecialTokens } from "./special-tokens.ts";

/** Characters that text never has: Unicode's noncharacters first, then private ones. */
const FIRST_STAND_IN = 0xfdd0;
const LAST_STAND_IN = 0xfdef;
const FIRST_PRIVATE = 0xe000;
const LAST_PRIVATE = 0xf8ff;

/** Characters; parts of names are kept, so their memory grows with the square. Names in use have up to 40. */
const LONGEST_NAME = 256;

export interface Hidden {
  readonly messages: readonly Message[];
  /** Puts the hidden characters back. */
  restore(text: string): string;
}

/**
 * Keeps what users write apart from what a template writes. Where a message's content has the name of a special token, the name's first
 * character is replaced by a stand-in that occurs nowhere else; the template trims, splits and joins such content as before, the
 * rendered text has only the template's own special tokens, and after cutting at those the characters are put back.
 * The same is done where content ends with the first part of a name or starts with the last part of one, which the template's own text
 * could complete.
 */
export class Guard {
  readonly #tokens: SpecialTokens;
  readonly #template: string;
  readonly #beginnings = new Set<string>();
  readonly #endings = new Set<string>();
  readonly #longest: number;

  constructor(tokens: SpecialTokens, texts: readonly string[], template: string) {
    this.#tokens = tokens;
    this.#template = template;
    let longest = 0;
    for (const id of tokens.ids) {
      const text = texts[id] as string;
      if (text.length > LONGEST_NAME) continue;
      longest = Math.max(longest, text.length);
      for (let at = 1; at < text.length; at++) {
        this.#beginnings.add(text.slice(0, at));
        this.#endings.add(text.slice(at));
      }
    }
    this.#longest = longest;
  }

  hide(messages: readonly Message[]): Hidden {
    const places = messages.map(({ content }) => this.#places(content));
    const characters = new Set(messages.flatMap(({ content }, index) => Array.from(places[index] ?? [], (at) => characterAt(content, at))));
    if (characters.size === 0) return { messages, restore: (text) => text };
    const standIns = this.#standIns(characters, messages);
    const originals = new Map(Array.from(standIns, ([character, standIn]) => [standIn, character]));
    const expression = new RegExp(`[${Array.from(originals.keys()).join("")}]`, "gu");
    return {
      messages: messages.map(({ role, content }, index) => ({ role, content: replaceAt(content, places[index] ?? new Set(), standIns) })),
      restore: (text) => text.replace(expression, (standIn) => originals.get(standIn) ?? standIn),
    };
  }

  /** Where the content has a character to hide. */
  #places(content: string): Set<number> {
    const places = new Set<number>();
    this.#tokens.eachOccurrence(content, (_id, at) => places.add(at));
    const trimmedStart = content.length - content.trimStart().length;
    for (const start of new Set([0, trimmedStart])) {
      for (let length = 1; length < this.#longest && start + length <= content.length; length++) {
        if (this.#endings.has(content.slice(start, start + length))) places.add(start);
      }
    }
    for (const end of new Set([content.length, content.trimEnd().length])) {
      for (let length = 1; length < this.#longest && length <= end; length++) {
        if (this.#beginnings.has(content.slice(end - length, end))) places.add(end - length);
      }
    }
    return places;
  }

  #standIns(characters: ReadonlySet<string>, messages: readonly Message[]): Map<string, string> {
    const standIns = new Map<string, string>();
    const isFree = (candidate: string): boolean =>
      !this.#template.includes(candidate) && messages.every(({ content }) => !content.includes(candidate));
    let code = FIRST_STAND_IN;
    for (const character of characters) {
      while (!isFree(String.fromCharCode(code))) code = following(code);
      standIns.set(character, String.fromCharCode(code));
      code = following(code);
    }
    return standIns;
  }
}

function following(code: number): number {
  if (code === LAST_STAND_IN) return FIRST_PRIVATE;
  if (code === LAST_PRIVATE) {
    throw new LongtabError({
      code: "invalid-message",
      what: "The messages use every private character of Unicode",
      remedy: "leave some of U+E000 to U+F8FF out",
    });
  }
  return code + 1;
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0);
}

function replaceAt(text: string, places: ReadonlySet<number>, standIns: ReadonlyMap<string, string>): string {
  let result = "";
  let from = 0;
  for (const at of Array.from(places).toSorted((a, b) => a - b)) {
    const character = characterAt(text, at);
    result += text.slice(from, at) + (standIns.get(character) ?? character);
    from = at + character.length;
  }
  return result + text.slice(from);
}
