import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tinyModel } from "@longtab/formats/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { calibrate } from "../src/calibrate/calibrate.ts";
import { evaluate } from "../src/eval/eval.ts";
import { generate } from "../src/generate.ts";
import { inspect } from "../src/inspect.ts";
import { checkWritable } from "../src/json-file.ts";
import { score } from "../src/score.ts";
import { tokenize } from "../src/tokenize.ts";

let folder: string;
let model: string;
let output: string;
const path = (name: string): string => join(folder, name);
const place = (): string[] => ["--model", model, "--backend", "cpu", "--threads", "1"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longtab-strangers-"));
  model = path("tiny.gguf");
  await mkdir(path("folder"));
  await writeFile(model, tinyModel());
  await writeFile(path("strings.json"), '["a"]');
  await writeFile(path("cases.json"), '[{ "id": 1, "ids": [1], "continuation": [5, 6] }]');
  await writeFile(path("book.txt"), "A short book. ".repeat(2000));
});
afterAll(async () => rm(folder, { recursive: true }));

beforeEach(() => {
  output = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => Boolean((output += String(text))));
  vi.spyOn(process.stderr, "write").mockImplementation(() => true);
});
afterEach(() => void vi.restoreAllMocks());

describe("what is written wrongly is refused before anything is computed", () => {
  test.each(["0", "1.5", "=-1", "many"])("--max-tokens %s", async (value) => {
    const given = value.startsWith("=") ? [`--max-tokens${value}`] : ["--max-tokens", value];
    await expect(generate([...place(), "--prompt", "Hello", ...given])).rejects.toMatchObject({
      code: "invalid-option",
      what: expect.stringContaining("--max-tokens") as string,
    });
    expect(output).toBe("");
  });

  test("a word that belongs to no option", async () => {
    for (const verb of [generate, score, tokenize, calibrate, evaluate]) {
      await expect(verb(["stray", ...place()])).rejects.toMatchObject({
        code: "invalid-option",
        what: expect.stringContaining("stray") as string,
      });
    }
  });

  test("a system prompt without a chat", async () => {
    await expect(generate([...place(), "--prompt", "Hello", "--system", "Be brief."])).rejects.toMatchObject({
      code: "invalid-option",
      remedy: expect.stringContaining("--chat") as string,
    });
  });

  test.each([
    ["--share", "0"],
    ["--share", "2"],
    ["--bits", "3.9"],
    ["--bits", "16"],
    ["--tokens", "3"],
    ["--needles", "0"],
    ["--trials", "0.5"],
  ])("calibrate %s %s", async (name, value) => {
    const args = [...place(), "--text", path("book.txt"), "--out", path("map.json"), name, value];
    await expect(calibrate(args)).rejects.toMatchObject({ code: "invalid-option", value: Number(value) });
  });

  test("a policy and a suite that eval has no cells of", async () => {
    const args = [...place(), "--small", "--text", path("book.txt"), "--out", path("results")];
    await expect(evaluate([...args, "--policy", "sparse"])).rejects.toMatchObject({ code: "invalid-option", value: "sparse" });
    await expect(evaluate([...args, "--suite", "speed"])).rejects.toMatchObject({ code: "invalid-option", value: "speed" });
  });
});

test.each([
  ["none/out.json", "ENOENT"],
  ["folder", "it is a folder"],
  ["out.json/", "EISDIR"],
  ["long".repeat(100), "ENAMETOOLONG"],
])("results that cannot be written to %s are refused before they are computed", async (name, why) => {
  const wanted = {
    code: "invalid-option",
    what: `The file ${path(name)} cannot be written`,
    remedy: expect.stringContaining(why) as string,
  };
  await expect(tokenize(["--model", model, "--in", path("strings.json"), "--out", path(name)])).rejects.toMatchObject(wanted);
  await expect(score([...place(), "--in", path("cases.json"), "--out", path(name)])).rejects.toMatchObject(wanted);
  await expect(calibrate([...place(), "--text", path("book.txt"), "--out", path(name)])).rejects.toMatchObject(wanted);
});

test("looking whether results can be written leaves what is there, and nothing where there was nothing", async () => {
  await writeFile(path("there.json"), "[1]");
  await symlink(path("target.json"), path("link.json"));
  for (const name of ["there.json", "absent.json", "link.json"]) await checkWritable(path(name));
  expect(await readFile(path("there.json"), "utf8")).toBe("[1]");
  const names = await readdir(folder);
  expect(names).toContain("link.json");
  expect(names).not.toContain("absent.json");
  expect(names).not.toContain("target.json");
});

test.each(["constructor", "toString", "__proto__"])("%s is no verb", async (verb) => {
  const told = vi.spyOn(process.stderr, "write").mockImplementation(() => true);
  const { argv } = process;
  process.argv = ["node", "longtab", verb];
  try {
    vi.resetModules();
    await import("../src/main.ts");
    expect(process.exitCode).toBe(2);
    expect(told.mock.calls.join("")).toContain(`There is no verb "${verb}".`);
  } finally {
    process.argv = argv;
    process.exitCode = undefined;
  }
});

test("a folder is no model", async () => {
  await expect(generate(["--model", folder, "--prompt", "Hello"])).rejects.toMatchObject({
    code: "model-not-found",
    value: folder,
    remedy: "it is a folder",
  });
  expect(await inspect([folder])).toBe(1);
  expect(JSON.parse(output)).toMatchObject({ error: { code: "model-not-found" } });
});

test("a byte order mark before JSON and before a prompt does not count", async () => {
  await writeFile(path("marked.json"), '\ufeff["a", "\u{1f600}\\r\\n"]');
  expect(await tokenize(["--model", model, "--in", path("marked.json"), "--out", path("ids.json")])).toBe(0);
  expect(JSON.parse(await readFile(path("ids.json"), "utf8"))).toHaveLength(2);
  const written: string[] = [];
  for (const [name, text] of [
    ["plain.txt", "One\r\ntwo \u{1f600}"],
    ["marked.txt", "\ufeffOne\r\ntwo \u{1f600}"],
  ] as const) {
    await writeFile(path(name), text);
    output = "";
    await generate([...place(), "--temperature", "0", "--prompt-file", path(name), "--max-tokens", "6"]);
    written.push(output);
  }
  expect(written[1]).toBe(written[0]);
});

test.each([
  ["empty", new Uint8Array(0), "name a file that holds text"],
  ["only a byte order mark", Uint8Array.of(0xef, 0xbb, 0xbf), "name a file that holds text"],
  ["0xFF bytes", new Uint8Array(100).fill(0xff), "save it as UTF-8"],
])("a prompt's file that is %s is refused", async (_, bytes, remedy) => {
  await writeFile(path("prompt.bin"), bytes);
  await expect(generate([...place(), "--prompt-file", path("prompt.bin")])).rejects.toMatchObject({ code: "invalid-option", remedy });
});

test.each([
  ["duo", true],
  ["duo+quest", true],
  ["quest", false],
])("%s with a model that has no head map says so: %s", async (context, says) => {
  const told = vi.spyOn(process.stderr, "write").mockImplementation(() => true);
  await generate([...place(), "--prompt", "Hello", "--max-tokens", "1", "--context", context, "--recent", "64"]);
  expect(told.mock.calls.some(([text]) => String(text).includes("no head map for this model"))).toBe(says);
});
