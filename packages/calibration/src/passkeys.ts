import type { Tokenizer } from "@longtab/tokenizer";
import { SeededRandom } from "./random.ts";

/** A number hidden in a document, and how it is asked for. */
export interface Needle {
  name: string;
  /** Of the needle's first token in the document. */
  position: number;
  /** Ends so that the next token is the first of the number. */
  question: Uint32Array;
  answer: Uint32Array;
}

export interface PasskeyDocument {
  ids: Uint32Array;
  /** In order of position. */
  needles: Needle[];
}

export interface PasskeyOptions {
  /** Of the document; the questions come on top. */
  tokens: number;
  /** How deep in the filler each number is hidden, 0 to 1. */
  depths: readonly number[];
  seed: number;
  /** What the numbers are hidden in, at least `tokens` of it; sentences without meaning unless given. */
  filler?: Uint32Array | undefined;
}

/** `count` depths from the beginning to the end, none at either. */
export function evenDepths(count: number): number[] {
  return Array.from({ length: count }, (_, index) => (index + 0.5) / count);
}

/**
 * A document that hides numbers under names, in the wording of RULER's needle tests (Hsieh et al., 2404.06654): small models answer it, because the
 * question ends with the beginning of the answer.
 */
export function makePasskeys(tokenizer: Tokenizer, { tokens, depths, seed, filler }: PasskeyOptions): PasskeyDocument {
  const random = new SeededRandom(seed);
  const hidden = random.choose(names, depths.length).map((name) => ({ name, number: String(1_000_000 + random.integer(9_000_000)) }));
  const sentences = hidden.map(({ name, number }) => tokenizer.encode(` One of the special magic numbers for ${name} is: ${number}.`));
  const opening = tokenizer.encode(
    "Special magic numbers are hidden in the following text. Remember them: questions about them come after it.\n",
  );
  const room = tokens - opening.length - sentences.reduce((sum, { length }) => sum + length, 0);
  const hay = filler ?? repeat(tokenizer.encode(senseless), Math.max(0, room));
  const ids = [...opening];
  const needles: Needle[] = [];
  let used = 0;
  for (const [index, depth] of depths.toSorted((a, b) => a - b).entries()) {
    const until = sentenceEnd(tokenizer, hay, Math.max(used, Math.floor(depth * room)), room);
    for (; used < until; used++) ids.push(hay[used] ?? 0);
    const { name = "", number = "" } = hidden[index] ?? {};
    needles.push({ name, position: ids.length, ...toQuestion(tokenizer, name, number) });
    for (const id of sentences[index] ?? []) ids.push(id);
  }
  for (; used < room; used++) ids.push(hay[used] ?? 0);
  return { ids: Uint32Array.from(ids), needles };
}

/** Question and answer; where a tokenizer gives the space before a number a token of its own, it belongs to the question. */
function toQuestion(tokenizer: Tokenizer, name: string, number: string): Pick<Needle, "question" | "answer"> {
  const asked = `the special magic number for ${name} mentioned in the provided text`;
  const text = `\nWhat is ${asked}? ${asked[0]?.toUpperCase() ?? ""}${asked.slice(1)} is:`;
  const question = tokenizer.encode(text);
  const answer = tokenizer.encode(` ${number}`);
  const spaces = tokenizer.decode(answer.subarray(0, 1)).trim() === "" ? 1 : 0;
  return { question: Uint32Array.of(...question, ...answer.subarray(0, spaces)), answer: answer.subarray(spaces) };
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

const names = [
  "Lisbon",
  "Oslo",
  "Cairo",
  "Lima",
  "Quito",
  "Hanoi",
  "Dublin",
  "Vienna",
  "Athens",
  "Madrid",
  "Berlin",
  "Warsaw",
  "Prague",
  "Geneva",
  "Boston",
  "Denver",
  "Dallas",
  "Austin",
  "Seattle",
  "Toronto",
  "Sydney",
  "Delhi",
  "Mumbai",
  "Kyoto",
  "Osaka",
  "Seoul",
  "Manila",
  "Jakarta",
  "Nairobi",
  "Lagos",
  "Tunis",
  "Havana",
  "Caracas",
  "Santiago",
  "Montreal",
  "Glasgow",
  "Milan",
  "Naples",
  "Porto",
  "Seville",
];
