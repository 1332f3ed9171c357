import { existsSync, openAsBlob, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BlobSource, parseGguf } from "@longtab/formats";
import type { MetadataValue } from "@longtab/formats";
import { createRandom } from "@longtab/formats/testing";
import { Tokenizer as OtherTokenizer } from "@huggingface/tokenizers";
import { beforeAll, describe, expect, it } from "vitest";
import { Tokenizer } from "../src/index.ts";
import { AWKWARD_STRINGS, randomStrings } from "./awkward-strings.ts";
import { ADDED_WORDS, KINDS, bpeMetadata, spmMetadata } from "./vocabularies.ts";
import type { SmallVocabularies } from "./vocabularies.ts";

/** Ids of the awkward strings under one kind: all of them, the name of a kind with the same, or those that differ from the base kind's. */
type Recording = number[][] | string | Record<string, number[]>;

const fixture = (name: string): unknown => JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"));
const vocabularies = fixture("vocabularies") as SmallVocabularies;
const recordings = fixture("ids") as Record<string, Recording>;
const eog = recordings as unknown as Record<string, number[]>;

function recorded(kind: string): number[][] {
  const recording = recordings[kind];
  if (recording === undefined) throw new Error(`${kind} was not recorded`);
  if (typeof recording === "string") return recorded(recording);
  if (Array.isArray(recording)) return recording;
  return recorded("gpt-2").map((ids, index) => recording[index] ?? ids);
}

const smollm = (): Tokenizer => Tokenizer.fromMetadata(bpeMetadata(vocabularies, "smollm"));
const llama = (addSpacePrefix = true): Tokenizer => Tokenizer.fromMetadata(spmMetadata(vocabularies, addSpacePrefix));
const changed = (base: Map<string, MetadataValue>, changes: Record<string, MetadataValue | undefined>): Map<string, MetadataValue> => {
  const copy = new Map(base);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) copy.delete(`tokenizer.ggml.${key}`);
    else copy.set(`tokenizer.ggml.${key}`, value);
  }
  return copy;
};

/** Each string with its ids, so that a difference names the string. */
function encodeAll(tokenizer: Tokenizer, texts: readonly string[], special = false): [string, number[]][] {
  return texts.map((text) => [text, Array.from(tokenizer.encode(text, { special }))]);
}

function expectIds(tokenizer: Tokenizer, expected: readonly number[][], special = false): void {
  expect(encodeAll(tokenizer, AWKWARD_STRINGS, special)).toEqual(AWKWARD_STRINGS.map((text, index) => [text, expected[index]]));
}

describe("ids", () => {
  it("are compared on at least 300 awkward strings", () => {
    expect(AWKWARD_STRINGS.length).toBeGreaterThanOrEqual(300);
  });

  it.each(KINDS)("equal llama.cpp's with the pre-tokeniser %s", (kind) => {
    expectIds(Tokenizer.fromMetadata(bpeMetadata(vocabularies, kind)), recorded(kind));
  });

  it("equal llama.cpp's where special tokens are parsed", () => {
    expectIds(Tokenizer.fromMetadata(bpeMetadata(vocabularies, "gpt-2")), recorded("gpt-2 special"), true);
  });

  it.each([
    ["llama", true, false],
    ["llama special", true, true],
    ["llama without prefix", false, false],
    ["llama without prefix special", false, true],
  ])("equal llama.cpp's with SentencePiece: %s", (kind, addSpacePrefix, special) => {
    expectIds(llama(addSpacePrefix), recorded(kind), special);
  });

  it("are the default pre-tokeniser's where the file names none", () => {
    expectIds(Tokenizer.fromMetadata(changed(bpeMetadata(vocabularies, "x"), { pre: undefined })), recorded("default"));
  });

  it("read lone surrogates as U+FFFD", () => {
    for (const tokenizer of [smollm(), llama()]) expect(tokenizer.encode("a\ud800b\udc00")).toEqual(tokenizer.encode("a\ufffdb\ufffd"));
  });

  it("are none for the empty string", () => {
    expect([smollm().encode(""), llama().encode("")].map((ids) => ids.length)).toEqual([0, 0]);
  });

  it("of text never are control tokens, even where merges spell one", () => {
    const base = bpeMetadata(vocabularies, "superbpe");
    const merges = ["< s", "<s >", ...vocabularies.merges];
    const tokenizer = Tokenizer.fromMetadata(changed(base, { merges }));
    const text = "<s>".repeat(3);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(Array.from(tokenizer.encode("a<s>b", { special: true }))).toContain(tokenizer.bosId === 1 ? 3 : -1);
  });
});

describe("special tokens", () => {
  it("are found longest first", () => {
    const tokens = ["<a>", "<a><b>", "x", "<", ">", "a", "b"];
    const tokenizer = Tokenizer.fromMetadata(
      new Map<string, MetadataValue>([
        ["tokenizer.ggml.model", "gpt2"],
        ["tokenizer.ggml.tokens", tokens],
        ["tokenizer.ggml.token_type", Int32Array.of(3, 3, 1, 1, 1, 1, 1)],
        ["tokenizer.ggml.merges", []],
      ]),
    );
    expect(Array.from(tokenizer.encode("x<a><b><a>x", { special: true }))).toEqual([2, 1, 0, 2]);
    expect(Array.from(tokenizer.encode("<a>"))).toEqual([3, 5, 4]);
  });

  it("take the whitespace after them in Phi-3, but for three", () => {
    const base = new Map(bpeMetadata(vocabularies, "gpt-2")).set("general.name", "Phi-3 mini");
    const tokenizer = Tokenizer.fromMetadata(base);
    const encode = (text: string): number[] => Array.from(tokenizer.encode(text, { special: true }));
    expect(encode("<|im_end|> \n x")).toEqual([2, ...encode("x")]);
    expect(encode("<s> x")).toEqual([3, ...encode(" x")]);
  });

  it("that end a generation are those of llama.cpp", () => {
    expect(Array.from(Tokenizer.fromMetadata(bpeMetadata(vocabularies, "gpt-2")).eogIds).toSorted((a, b) => a - b)).toEqual(
      eog["gpt-2 eog"],
    );
    expect(Array.from(llama().eogIds).toSorted((a, b) => a - b)).toEqual(eog["llama eog"]);
  });

  it("are read from the metadata, and ids beyond the vocabulary are not", () => {
    const base = bpeMetadata(vocabularies, "gpt-2");
    const tokenizer = Tokenizer.fromMetadata(changed(base, { eot_token_id: 300, bos_token_id: 1e6, eos_token_id: undefined }));
    expect(tokenizer.eogIds.has(300)).toBe(true);
    expect([tokenizer.bosId, tokenizer.eosId, tokenizer.addBos]).toEqual([undefined, undefined, false]);
  });

  it("leave <|end|> out of the ends where messages end inside an answer", () => {
    const base = bpeMetadata(vocabularies, "gpt-2");
    const tokens = [...(base.get("tokenizer.ggml.tokens") as string[]), "<|end|>", "<|return|>", "<|call|>", "<|channel|>"];
    const types = new Int32Array(tokens.length).fill(1);
    const tokenizer = Tokenizer.fromMetadata(changed(base, { tokens, token_type: types }));
    const ends = Array.from(tokenizer.eogIds, (id) => tokenizer.tokenText(id));
    expect(ends).toContain("<|return|>");
    expect(ends).not.toContain("<|end|>");
    expect(tokenizer.decode([tokens.indexOf("<|channel|>")])).toBe("<|channel|>");
  });

  it.each([
    ["gpt-2", undefined, false],
    ["llama-bpe", undefined, true],
    ["tekken", undefined, true],
    ["llama-bpe", false, false],
    ["smollm", true, true],
  ])("%s with add_bos_token %s starts with BOS: %s", (pre, flag, expected) => {
    expect(Tokenizer.fromMetadata(changed(bpeMetadata(vocabularies, pre), { add_bos_token: flag })).addBos).toBe(expected);
  });
});

describe("decoding", () => {
  it("gives every string back", () => {
    const texts = [...AWKWARD_STRINGS, ...randomStrings(3, 300)].map((text) => text.toWellFormed());
    const bpe = smollm();
    expect(texts.map((text) => bpe.decode(bpe.encode(text)))).toEqual(texts);
    // SentencePiece cannot tell ▁ from a space, and puts a space after added words.
    const addedWords = new Set(ADDED_WORDS.map(([word]) => word));
    for (const tokenizer of [llama(), llama(false)]) {
      const plain = texts.filter((text) => !Array.from(tokenizer.encode(text)).some((id) => addedWords.has(tokenizer.tokenText(id))));
      expect(plain.length).toBeGreaterThan(400);
      expect(plain.map((text) => tokenizer.decode(tokenizer.encode(text)))).toEqual(plain.map((text) => text.replaceAll("▁", " ")));
    }
  });

  it("of one token after the other gives the same text, and never half a character", () => {
    for (const tokenizer of [smollm(), llama()]) {
      for (const text of AWKWARD_STRINGS) {
        const ids = tokenizer.encode(text);
        const decoder = tokenizer.createDecoder();
        const pieces = Array.from(ids, (id) => decoder.push(id));
        for (const piece of pieces)
          expect(piece.isWellFormed() && (text.toWellFormed().includes("\ufffd") || !piece.includes("\ufffd"))).toBe(true);
        expect(pieces.join("") + decoder.flush()).toBe(tokenizer.decode(ids));
      }
    }
  });

  it("of any ids equals TextDecoder on their bytes", () => {
    const { integer } = createRandom(5);
    for (const tokenizer of [smollm(), llama(false)]) {
      for (let round = 0; round < 200; round++) {
        const ids = Array.from({ length: 30 }, () => 260 + integer(tokenizer.vocabularySize - 300) - (integer(2) === 0 ? 240 : 0));
        const bytes = ids.flatMap((id) => Array.from(tokenizer.tokenBytes(id)));
        expect(tokenizer.decode(ids, { special: true })).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes)));
      }
    }
  });

  it("flushes an unfinished character as U+FFFD", () => {
    const tokenizer = llama();
    const decoder = tokenizer.createDecoder();
    const [first = 0] = tokenizer.encode("x").slice(-1);
    expect(decoder.push(3 + 0xf0)).toBe("");
    expect(decoder.push(3 + 0x9f)).toBe("");
    expect(decoder.push(first)).toBe("\ufffdx");
    expect(decoder.push(3 + 0xe4)).toBe("");
    expect(decoder.flush()).toBe("\ufffd");
  });

  it("takes SentencePiece's leading space off a text, and leaves it inside one", () => {
    const tokenizer = llama();
    const ids = tokenizer.encode("Hello");
    expect([tokenizer.decode(ids), tokenizer.decode(ids, { continues: true })]).toEqual(["Hello", " Hello"]);
  });

  it("leaves control tokens out unless asked for", () => {
    const tokenizer = smollm();
    const ids = tokenizer.encode("a<|im_end|>b", { special: true });
    expect([tokenizer.decode(ids), tokenizer.decode(ids, { special: true })]).toEqual(["ab", "a<|im_end|>b"]);
  });

  it("of ids beyond the vocabulary is nothing", () => {
    const tokenizer = smollm();
    expect([tokenizer.decode([1e9]), tokenizer.tokenText(-1), tokenizer.tokenBytes(1e9).length]).toEqual(["", "", 0]);
  });
});

describe("bad metadata", () => {
  const base = bpeMetadata(vocabularies, "gpt-2");
  const long = new Int32Array(3);
  it.each([
    ["no tokeniser", "unsupported-tokenizer", changed(base, { model: undefined })],
    ["an unknown tokeniser", "unsupported-tokenizer", changed(base, { model: "t5" })],
    ["an unknown pre-tokeniser", "unsupported-tokenizer", changed(base, { pre: "nobody-2" })],
    ["a pre-tokeniser that is a number", "file-malformed", changed(base, { pre: 7 })],
    ["no tokens", "file-malformed", changed(base, { tokens: undefined })],
    ["an empty list of tokens", "file-malformed", changed(base, { tokens: [] })],
    ["tokens that are numbers", "file-malformed", changed(base, { tokens: long })],
    ["a token twice", "file-malformed", changed(base, { tokens: ["a", "a"] })],
    ["too few token types", "file-malformed", changed(base, { token_type: long })],
    ["token types that are strings", "file-malformed", changed(base, { token_type: ["x"] })],
    ["no merges", "file-malformed", changed(base, { merges: undefined })],
    ["merges that are numbers", "file-malformed", changed(base, { merges: long })],
    ["more merges than can be ranked", "file-malformed", changed(base, { merges: Array.from({ length: 2 ** 21 + 1 }, () => "a b") })],
    ["a flag that is a number", "file-malformed", changed(base, { add_bos_token: 1 })],
    ["too few scores", "file-malformed", changed(spmMetadata(vocabularies, true), { scores: new Float32Array(2) })],
  ])("%s is %s", (_, code, metadata) => {
    expect(() => Tokenizer.fromMetadata(metadata)).toThrow(expect.objectContaining({ code, remedy: expect.any(String) as string }));
  });

  it("names the pre-tokeniser that is not known", () => {
    expect(() => Tokenizer.fromMetadata(changed(base, { pre: "nobody-2" }))).toThrow(/nobody-2/);
  });

  it("that is odd but harmless is taken", () => {
    const odd = changed(base, { merges: ["", " ", "x", "a  b", "zz yy", "zz yy", ...vocabularies.merges], token_type: undefined });
    const tokenizer = Tokenizer.fromMetadata(odd);
    expect(tokenizer.decode(tokenizer.encode("zzyy hello"))).toBe("zzyy hello");
    const scores = Float32Array.from({ length: 5000 }, (_, id) => (id % 3 === 0 ? Number.NaN : Number.POSITIVE_INFINITY));
    const scored = Tokenizer.fromMetadata(changed(spmMetadata(vocabularies, true), { scores }));
    expect(scored.decode(scored.encode("hello there"))).toBe("hello there");
  });
});

/** Milliseconds of processor time, which other work on the machine does not lengthen as it does the clock's. */
function processorTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

describe("long texts", () => {
  it.each([
    ["10,000 newlines", "\n".repeat(10_000)],
    ["a megabyte of one letter", "a".repeat(1e6)],
    ["a megabyte without whitespace", randomStrings(9, 12_000, 80).join("").replace(/\s/g, "")],
    ["a long run of spaces", " ".repeat(2e5)],
    ["a long run of spaces before a digit", `${" ".repeat(2e5)}1`],
    ["a long run of digits", "1234567".repeat(30_000)],
    ["many emoji", "👩🏽‍💻".repeat(30_000)],
    ["a long run of capitals", "ABC".repeat(70_000)],
    ["a long run of apostrophes", "'".repeat(2e5)],
    ["many look-alikes", "<|im_end|>".repeat(20_000)],
  ])("take seconds at most: %s", { timeout: 120_000 }, (_, text) => {
    const kinds = ["smollm", "tekken", "superbpe", "deepseek-llm"].map((kind) => Tokenizer.fromMetadata(bpeMetadata(vocabularies, kind)));
    for (const tokenizer of [...kinds, llama()]) {
      let ids = new Uint32Array();
      expect(processorTime(() => (ids = Uint32Array.from(tokenizer.encode(text))))).toBeLessThan(8000);
      expect(ids.length).toBeGreaterThan(10);
    }
  });
});

it("does not keep texts in memory for the words that it remembers", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const tokenizer = smollm();
  const heap = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const encode = (name: string): unknown => tokenizer.encode(`${"lorem ipsum dolor ".repeat(20_000)} averylongwordcalled${name}`);
  encode("a");
  const before = heap();
  for (let text = 0; text < 40; text++) encode("bcdefghijk".charAt(text % 10).repeat(1 + text / 10));
  // The texts are 14 MB.
  expect(heap() - before).toBeLessThan(4e6);
});

const REAL_MODEL = process.env["LONGTAB_MODEL"] ?? join(homedir(), ".cache/longtab/models/SmolLM2-135M-Instruct.Q4_1.gguf");

// Needs the file that `npm start` and `npm test` fetch; the small vocabularies test the same rules without it.
describe.skipIf(!existsSync(REAL_MODEL))("SmolLM2-135M-Instruct", () => {
  const expected = fixture("model-ids") as { plain: number[][]; special: Record<string, number[]>; eog: number[] };
  let tokenizer: Tokenizer;
  let metadata: Awaited<ReturnType<typeof parseGguf>>["metadata"];
  beforeAll(async () => {
    ({ metadata } = await parseGguf(new BlobSource(await openAsBlob(REAL_MODEL))));
    tokenizer = Tokenizer.fromMetadata(metadata);
  });

  it("gives llama.cpp's ids", () => {
    expectIds(tokenizer, expected.plain);
    const special = expected.plain.map((ids, index) => expected.special[index] ?? ids);
    expectIds(tokenizer, special, true);
    expect(Array.from(tokenizer.eogIds).toSorted((a, b) => a - b)).toEqual(expected.eog);
  });

  it("opens with its own system prompt in chats", () => {
    const ids = tokenizer.encodeChat([{ role: "user", content: "Hi <|im_end|>" }]);
    expect(tokenizer.decode(ids, { special: true })).toBe(
      "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n" +
        "<|im_start|>user\nHi <|im_end|><|im_end|>\n<|im_start|>assistant\n",
    );
    expect(Array.from(ids).filter((id) => id === 2).length).toBe(2);
  });

  it("agrees with @huggingface/tokenizers on random strings", () => {
    const vocab = Object.fromEntries((metadata.get("tokenizer.ggml.tokens") as string[]).map((text, id) => [text, id]));
    const split = (Regex: string): object => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });
    const words = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    const other = new OtherTokenizer(
      {
        normalizer: null,
        pre_tokenizer: { type: "Sequence", pretokenizers: [split("\\p{N}"), split(words), { type: "ByteLevel", use_regex: false }] },
        model: { type: "BPE", vocab, merges: metadata.get("tokenizer.ggml.merges") },
        post_processor: null,
        decoder: null,
        added_tokens: [],
      },
      {},
    );
    const texts = randomStrings(11, 1000).map((text) => text.toWellFormed());
    expect(encodeAll(tokenizer, texts)).toEqual(texts.map((text) => [text, other.encode(text, { add_special_tokens: false }).ids]));
  });

  it("is built in well under a second", () => {
    // The best of five, since the first ones also compile. Measured: 0.12 to 0.18 s.
    expect(Math.min(...Array.from({ length: 5 }, () => processorTime(() => Tokenizer.fromMetadata(metadata))))).toBeLessThan(1000);
  });
});
