import type { Tokenizer } from "@longtab/tokenizer";
import { facts, names } from "./needle-words.ts";
import { encodeQuestion, fiveDigits } from "./passkeys.ts";
import type { Needle } from "./passkeys.ts";
import { SeededRandom } from "./random.ts";

/** A line of a record that goes on and on, and how it is asked for. */
export interface RecordLine extends Omit<Needle, "position"> {
  ids: Uint32Array;
}

/**
 * The record of StreamEval (Xiao et al., 2309.17453): a number on every line, to be asked for some lines later. There lines are told apart by their
 * number, which small models cannot do even where they see everything; here by what they are about, and, where that comes back, by a name.
 */
export function makeRecord(tokenizer: Tokenizer, lines: number, seed: number): RecordLine[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: lines }, (_, index) => {
    const name = names[Math.floor(index / facts.length) % names.length] ?? "";
    const [before, after] = facts[index % facts.length] ?? ["", ""];
    const number = fiveDigits(random);
    const subject = `${name}: ${before}`;
    const { question, answer } = encodeQuestion(tokenizer, `It was said above: ${subject}`, number);
    return { ids: tokenizer.encode(`${subject} ${number}${after}\n`), question, answer };
  });
}
