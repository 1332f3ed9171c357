import { BytesSource, parseGguf } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { Tokenizer } from "@longtab/tokenizer";
import { beforeAll, describe, expect, test } from "vitest";
import { evenDepths, makePasskeys, mostNeedles } from "./passkeys.ts";
import type { NeedleKind, PasskeyDocument } from "./passkeys.ts";

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = Tokenizer.fromMetadata((await parseGguf(new BytesSource(tinyModel()))).metadata);
});

const make = (kind: NeedleKind, count = 4, seed = 1, tokens = 2000): PasskeyDocument =>
  makePasskeys(tokenizer, { kind, tokens, depths: evenDepths(count), seed });

describe.each(["facts", "names"] as const)("makePasskeys of %s", (kind) => {
  test("has as many tokens as were asked for", () => {
    expect(make(kind).ids).toHaveLength(2000);
    expect(make(kind, 1, 1, 501).ids).toHaveLength(501);
  });

  test("hides every answer, where it says, once, and all of them different", () => {
    const { ids, needles } = make(kind, 8);
    const text = tokenizer.decode(ids);
    const answers = needles.map(({ answer }) => tokenizer.decode(answer).trim());
    expect(new Set(answers).size).toBe(8);
    for (const [index, { position }] of needles.entries()) {
      expect(text.split(answers[index] ?? "")).toHaveLength(2);
      expect(tokenizer.decode(ids.subarray(position, position + 120))).toContain(answers[index]);
    }
  });

  test("spreads the needles over the document", () => {
    const { ids, needles } = make(kind, 4);
    for (const [index, { position }] of needles.entries()) expect(Math.abs(position / ids.length - (index + 0.5) / 4)).toBeLessThan(0.15);
  });

  test("asks for one of them only", () => {
    const questions = make(kind, 8).needles.map(({ question }) => tokenizer.decode(question));
    expect(new Set(questions).size).toBe(8);
  });

  test("is the same for the same seed, and another for another", () => {
    expect(make(kind, 4, 7)).toEqual(make(kind, 4, 7));
    expect(make(kind, 4, 7).ids).not.toEqual(make(kind, 4, 8).ids);
  });

  test("has words for so many needles", () => {
    expect(make(kind, mostNeedles[kind], 1, 4000).needles).toHaveLength(mostNeedles[kind]);
  });
});

test("takes the filler that it is given", () => {
  const filler = tokenizer.encode("Whales sing. ".repeat(400));
  const { ids } = makePasskeys(tokenizer, { kind: "facts", tokens: 600, depths: [0.5], seed: 1, filler });
  expect(tokenizer.decode(ids)).toContain("Whales sing.");
  expect(tokenizer.decode(ids)).not.toContain("The grass is green.");
});

test("a document too short for its needles holds them all the same", () => {
  expect(make("facts", 4, 1, 10).needles).toHaveLength(4);
});
