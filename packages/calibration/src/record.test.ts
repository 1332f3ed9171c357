import { BytesSource, parseGguf } from "@longtab/formats";
import { tinyModel } from "@longtab/formats/testing";
import { Tokenizer } from "@longtab/tokenizer";
import { expect, test } from "vitest";
import { makeRecord } from "./record.ts";

test("every line of a record can be asked for by words that no other line has", async () => {
  const tokenizer = Tokenizer.fromMetadata((await parseGguf(new BytesSource(tinyModel()))).metadata);
  const record = makeRecord(tokenizer, 100, 1);
  const texts = record.map(({ ids }) => tokenizer.decode(ids));
  for (const [index, { question, answer }] of record.entries()) {
    const asked = tokenizer.decode(question).replace("It was said above: ", "").trim();
    expect(texts.filter((text) => text.startsWith(asked))).toEqual([texts[index]]);
    expect(texts[index]).toContain(tokenizer.decode(answer).trim());
  }
});
