import type { Tokenizer } from "@longtab/tokenizer";
import { facts, names } from "./needle-words.ts";
import { SeededRandom } from "./random.ts";

/** A number hidden in a document, and how it is asked for. */
export interface Needle {
  /** Of the needle's first token in the document. */
  position: number;
  /** Ends so that the next token is the first of the answer. */
  question: Uint32Array;
  answer: Uint32Array;
}

export interface PasskeyDocument {
  ids: Uint32Array;
  /** In order of position. */
  needles: Needle[];
}

/**
 * How numbers are hidden and asked for.
 * - `facts`: each in a sentence of its own kind ("The old library holds 26083 books."), asked for by the sentence's beginning. Many fit one document
 *   without being mistaken for one another, so that one reading of it serves many questions.
 * - `names`: all in the same sentence but for a name, in the wording of RULER's tests with several keys (Hsieh et al., 2404.06654). Harder.
 */
export type NeedleKind = "facts" | "names";

/** Needles of a kind that there are words for. */
export const mostNeedles: Readonly<Record<NeedleKind, number>> = { facts: facts.length, names: names.length };

export interface PasskeyOptions {
  kind: NeedleKind;
  /** Of the document; the questions come on top. */
  tokens: number;
  /** How deep in the filler each number is hidden, 0 to 1, ascending. */
  depths: readonly number[];
  seed: number;
  /** What the numbers are hidden in, at least `tokens` of it; sentences without meaning unless given. */
  filler?: Uint32Array | undefined;
}

/** `count` depths from the beginning to the end, none at either. */
export function evenDepths(count: number): number[] {
  return Array.from({ length: count }, (_, index) => (index + 0.5) / count);
}

/** A document that hides numbers. Small models answer the questions, because they end with the beginning of the answer. */
export function makePasskeys(tokenizer: Tokenizer, { kind, tokens, depths, seed, filler }: PasskeyOptions): PasskeyDocument {
  const random = new SeededRandom(seed);
  const make = kind === "facts" ? makeFacts : makeNames;
  const hidden = make(random, depths.length).map((wording) => encodeNeedle(tokenizer, wording));
  const opening = tokenizer.encode("Numbers are hidden in the following text. Remember them: questions about them come after it.\n");
  const room = Math.max(0, tokens - opening.length - hidden.reduce((sum, { sentence }) => sum + sentence.length, 0));
  const hay = filler ?? repeat(tokenizer.encode(senseless), room);
  const ids = [...opening];
  const needles: Needle[] = [];
  let used = 0;
  for (const [index, { sentence, question, answer }] of hidden.entries()) {
    const until = sentenceEnd(tokenizer, hay, Math.max(used, Math.floor((depths[index] ?? 0) * room)), room);
    for (; used < until; used++) ids.push(hay[used] ?? 0);
    needles.push({ position: ids.length, question, answer });
    ids.push(...sentence);
  }
  for (; used < room; used++) ids.push(hay[used] ?? 0);
  return { ids: Uint32Array.from(ids), needles };
}

interface Wording {
  sentence: string;
  /** Ends where the number comes, without the space. */
  question: string;
  answer: string;
}

function makeFacts(random: SeededRandom, count: number): Wording[] {
  return random.choose(facts, count).map(([before, after]) => {
    const answer = fiveDigits(random);
    return { sentence: `${before} ${answer}${after}`, question: `\nIt was said in the text above: ${before}`, answer };
  });
}

function makeNames(random: SeededRandom, count: number): Wording[] {
  return random.choose(names, count).map((name) => {
    const answer = fiveDigits(random);
    const subject = `special magic number for ${name} mentioned in the provided text`;
    return {
      sentence: `One of the special magic numbers for ${name} is: ${answer}.`,
      question: `\nWhat is the ${subject}? The ${subject} is:`,
      answer,
    };
  });
}

export function fiveDigits(random: SeededRandom): string {
  return String(10_000 + random.integer(90_000));
}

function encodeNeedle(tokenizer: Tokenizer, { sentence, question, answer }: Wording): { sentence: Uint32Array } & Omit<Needle, "position"> {
  return { sentence: tokenizer.encode(` ${sentence}`), ...encodeQuestion(tokenizer, question, answer) };
}

/** A question and its answer; where a tokenizer gives the space before a number a token of its own, it belongs to the question. */
export function encodeQuestion(tokenizer: Tokenizer, question: string, answer: string): Omit<Needle, "position"> {
  const number = tokenizer.encode(` ${answer}`);
  const spaces = tokenizer.decode(number.subarray(0, 1)).trim() === "" ? 1 : 0;
  return { question: Uint32Array.of(...tokenizer.encode(question), ...number.subarray(0, spaces)), answer: number.subarray(spaces) };
}

/** The first place from `from` on that follows a full stop; `from` itself where none is near. */
function sentenceEnd(tokenizer: Tokenizer, hay: Uint32Array, from: number, end: number): number {
  if (from === 0) return 0;
  for (let at = from; at < Math.min(from + nearby, end); at++) if (tokenizer.decode(hay.subarray(at - 1, at)).endsWith(".")) return at;
  return Math.min(from, end);
}

/** Tokens that a sentence may still go on for. */
const nearby = 48;

function repeat(ids: Uint32Array, length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, index) => ids[index % ids.length] ?? 0);
}

const senseless = " The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";
