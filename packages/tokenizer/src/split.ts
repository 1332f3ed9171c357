import type { GroupDigits, Step } from "./pre-tokenizers.ts";

/**
 * Code points that Unicode 16 and 17 assigned, as base-36 "first-length" runs. llama.cpp's tables do not know them, and of two browsers one may:
 * they are read as unassigned, so that the same text gives the same ids everywhere.
 */
const RECENT_RUNS =
  "1ov 1p3 2fw 2jg 5an-e 5b4-b 5e6-1 5fj 5mx-1 6gx 753-2 8ly 9us-1 x57-4 x5e x5g x5m-2 x69 1dqb-f 1e34-1 1e4o-6 1fpc-1f 1ge8-p 1h6o-11 1h7t-s 1h8u-1 1hhe-5 1hhs-8 1hiy-2 1if4-9 1iff 1ifi 1ifk-11 1ign-9 1igy 1ih1 1ih3-3 1ih8-9 1ihj-1 1iht-1 1j2o-j 1jz4-7 1k1s-x 1k34-9 1kfk-17 1kgw-9 1kre 1oww-32y 1xq8-1l 205c-1l 20f4-o 20fv-o 20oi-4 25fc-7 26f3 26fd-l 26io-36 2iv4-70 2j28-c3 2jei-m 2jfk-g 2nyo-16 2nzz 2o5c-u 2o68-l 2o72-1 2rbs 2rg7-3 2roy-9 2rpc-1 2rps-8 2s0k-3 2s21-1 2s26-1 2s3i 2s3q 2s3s 2s3x 2s4c 2s4f 2s4p-1 2s4v 2saz-10 2sca 3tbu-5 3xya-b 4er4-3bd";

let recent: RegExp | undefined;

function recentlyAssigned(): RegExp {
  return (recent ??= new RegExp(`[${RECENT_RUNS.split(" ").map(characterRange).join("")}]`, "gu"));
}

function characterRange(run: string): string {
  const [first = 0, length = 0] = run.split("-").map((digits) => Number.parseInt(digits, 36));
  return `\\u{${first.toString(16)}}-\\u{${(first + length).toString(16)}}`;
}

/** Cuts well-formed text into words by the steps, in order; joined they are the text. Linear in its length. */
export function split(text: string, steps: readonly Step[]): string[] {
  // Noncharacters of the same length stand in for what must count as unassigned.
  const view = text.replace(recentlyAssigned(), (character) => (character.length === 1 ? "\uffff" : "\u{1ffff}"));
  let ends = text === "" ? [] : [text.length];
  for (const step of steps) {
    const cuts: number[] = [];
    let start = 0;
    for (const end of ends) {
      const piece = start === 0 && end === view.length ? view : view.slice(start, end);
      if (step instanceof RegExp) cutByMatches(piece, step, start, cuts);
      else cutDigits(piece, step, start, cuts);
      if (cuts.at(-1) !== end) cuts.push(end);
      start = end;
    }
    ends = cuts;
  }
  let start = 0;
  return ends.map((end) => text.slice(start, (start = end)));
}

function cutByMatches(piece: string, expression: RegExp, offset: number, cuts: number[]): void {
  let last = 0;
  expression.lastIndex = 0;
  for (let match = expression.exec(piece); match !== null; match = expression.exec(piece)) {
    if (match.index > last) cuts.push(offset + match.index);
    last = expression.lastIndex;
    cuts.push(offset + last);
  }
}

function cutDigits(piece: string, { runs, cut }: GroupDigits, offset: number, cuts: number[]): void {
  for (const match of piece.matchAll(runs)) {
    const digits = Array.from(match[0]);
    let at = offset + match.index;
    for (const [index, digit] of digits.entries()) {
      const first = cut === "start" ? at > offset : index > 0;
      if (first && (digits.length - index) % 3 === 0) cuts.push(at);
      at += digit.length;
    }
    if (cut === "end") cuts.push(at);
  }
}
