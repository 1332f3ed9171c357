// Records llama.cpp's ids as the tests' fixtures, or compares with it on random strings.
//
//   npm install --prefix DIR node-llama-cpp@3.22.1
//   node packages/tokenizer/scripts/record-ids.mjs DIR [--model FILE] [--fuzz COUNT [--seed N]] [--only NAME]
//
// Writes test/fixtures/{vocabularies,ids,model-ids}.json. With --fuzz it writes nothing and prints every difference between our ids and llama.cpp's
// on COUNT random strings for each kind of tokeniser.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { runnerImport } from "vite";
import { train } from "./train.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const fixtures = join(here, "../test/fixtures");
const MODEL = join(homedir(), ".cache/longtab/models/SmolLM2-135M-Instruct.Q4_1.gguf");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: "string", default: MODEL },
    fuzz: { type: "string" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const load = async (path) => (await runnerImport(join(here, path))).module;
const { AWKWARD_STRINGS, randomStrings } = await load("../test/awkward-strings.ts");
const { bpeMetadata, spmMetadata, KINDS } = await load("../test/vocabularies.ts");
const { Tokenizer } = await load("../src/index.ts");
const { BYTE_CHARACTERS } = await load("../src/bpe.ts");
const { writeGguf } = await load("../../formats/src/testing/index.ts");
const { parseGguf } = await load("../../formats/src/index.ts");

const entry = createRequire(join(resolve(positionals[0] ?? "."), "package.json")).resolve("node-llama-cpp");
const { getLlama } = await import(pathToFileURL(entry).href);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const scratch = mkdtempSync(join(tmpdir(), "record-ids-"));

try {
  if (values.fuzz === undefined) {
    const vocabularies = makeVocabularies();
    write("vocabularies", vocabularies);
    await record(vocabularies);
  } else {
    const vocabularies = JSON.parse(readFileSync(join(fixtures, "vocabularies.json"), "utf8"));
    await fuzz(vocabularies, Number(values.fuzz), Number(values.seed));
  }
} finally {
  rmSync(scratch, { recursive: true });
}

/** One byte-level vocabulary for all pre-tokenisers, and one by scores. */
function makeVocabularies() {
  // Where merges make the name of a control token, llama.cpp lets text become that token, and we do not. (It also ends tokens at NUL.)
  const isTrainable = (text) => !/<\|?\w+\|?>|<\/?s|\0/.test(text);
  const texts = [...AWKWARD_STRINGS, ...randomStrings(7, 2000)].map((text) => text.toWellFormed()).filter(isTrainable);
  const spell = (text) => Array.from(new TextEncoder().encode(text), (byte) => BYTE_CHARACTERS[byte]);
  const merges = train(texts.map(spell), 2200).map((pair) => pair.join(" "));
  const pieces = train(
    texts.map((text) => Array.from(text.replaceAll(" ", "▁"))),
    1200,
  ).map((pair) => pair.join(""));
  const characters = Array.from(new Set(texts.flatMap((text) => Array.from(text)))).filter((character) => character > " ");
  // Two of three characters are tokens; the others need byte tokens.
  return { merges, pieces: Array.from(new Set(pieces)), characters: characters.filter((_, index) => index % 3 > 0).join("") };
}

async function record(vocabularies) {
  /** Ids by kind: a list for the first kind, the name of an equal kind, or what differs from the first by index. */
  const kinds = {};
  const lists = new Map();
  for (const [name, metadata] of kindsOf(vocabularies)) {
    const model = await loadVocabulary(metadata);
    const ids = AWKWARD_STRINGS.map((text) => model.tokenize(text, name.endsWith(" special")));
    const equal = Array.from(lists).find(([, other]) => JSON.stringify(other) === JSON.stringify(ids));
    const base = lists.get(name.startsWith("llama") && !name.startsWith("llama-") ? "" : "gpt-2");
    kinds[name] =
      equal?.[0] ??
      (base === undefined ? ids : Object.fromEntries(ids.flatMap((list, i) => (String(list) === String(base[i]) ? [] : [[i, list]]))));
    if (equal === undefined) lists.set(name, ids);
    if (name === "gpt-2" || name === "llama") kinds[`${name} eog`] = eogOf(model, metadata.get("tokenizer.ggml.tokens").length);
    await model.dispose();
  }
  write("ids", kinds);
  const model = await llama.loadModel({ modelPath: values.model, vocabOnly: true });
  const special = AWKWARD_STRINGS.flatMap((text, i) => {
    const ids = Array.from(model.tokenize(text, true));
    return String(ids) === String(model.tokenize(text, false)) ? [] : [[i, ids]];
  });
  write("model-ids", {
    plain: AWKWARD_STRINGS.map((text) => Array.from(model.tokenize(text, false))),
    special: Object.fromEntries(special),
    eog: eogOf(model, model.fileInfo.metadata.tokenizer.ggml.tokens.length),
  });
}

async function fuzz(vocabularies, count, seed) {
  const strings = randomStrings(seed, count).map((text) => text.toWellFormed());
  let differences = 0;
  for (const [name, metadata] of [...kindsOf(vocabularies), ["model", undefined]]) {
    if (values.only !== undefined && values.only !== name) continue;
    const model =
      metadata === undefined ? await llama.loadModel({ modelPath: values.model, vocabOnly: true }) : await loadVocabulary(metadata);
    const tokenizer = Tokenizer.fromMetadata(metadata ?? (await readMetadata(values.model)));
    let found = 0;
    for (const text of strings) {
      for (const special of [false, true]) {
        const ours = String(tokenizer.encode(text, { special }));
        const theirs = String(model.tokenize(text, special));
        if (ours === theirs) continue;
        found++;
        if (found <= 3) console.log(`${name} ${special ? "special " : ""}${JSON.stringify(text)}\n  ours   ${ours}\n  theirs ${theirs}`);
      }
    }
    differences += found;
    console.log(`${name}: ${found} differences on ${2 * count} encodings`);
    await model.dispose();
  }
  process.exitCode = differences === 0 ? 0 : 1;
}

function* kindsOf(vocabularies) {
  for (const name of KINDS) yield [name, bpeMetadata(vocabularies, name)];
  yield ["gpt-2 special", bpeMetadata(vocabularies, "gpt-2")];
  for (const suffix of ["", " special"]) {
    yield [`llama${suffix}`, spmMetadata(vocabularies, true)];
    yield [`llama without prefix${suffix}`, spmMetadata(vocabularies, false)];
  }
}

async function loadVocabulary(metadata) {
  const path = join(scratch, "vocabulary.gguf");
  writeFileSync(path, writeGguf({ metadata: toEntries(metadata) }));
  return llama.loadModel({ modelPath: path, vocabOnly: true, ignoreMemorySafetyChecks: true });
}

/** The metadata as `writeGguf` takes it. */
function toEntries(metadata) {
  return Array.from(metadata, ([key, value]) => {
    if (typeof value === "boolean") return [key, "bool", value];
    if (typeof value === "number") return [key, Number.isInteger(value) ? "uint32" : "float32", value];
    if (value instanceof Int32Array) return [key, "int32[]", value];
    if (value instanceof Float32Array) return [key, "float32[]", value];
    return typeof value === "string" ? [key, "string", value] : [key, "string[]", value];
  });
}

async function readMetadata(path) {
  const file = await open(path);
  const { size } = await file.stat();
  const read = async (offset, length) => new Uint8Array((await file.read(Buffer.alloc(length), 0, length, offset)).buffer);
  const { metadata } = await parseGguf({ size, read });
  await file.close();
  return metadata;
}

function eogOf(model, size) {
  return Array.from({ length: size }, (_, id) => id).filter((id) => model.isEogToken(id));
}

function write(name, data) {
  const path = join(fixtures, `${name}.json`);
  const text = JSON.stringify(data);
  writeFileSync(path, `${text}\n`);
  console.log(`${path}: ${text.length} characters`);
}
