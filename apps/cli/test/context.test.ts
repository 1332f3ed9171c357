import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tinyModel } from "@longtab/formats/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { generate } from "../src/generate.ts";

let folder: string;
let model: string;
let output: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longtab-context-"));
  model = join(folder, "tiny.gguf");
  await writeFile(model, tinyModel());
});
afterAll(async () => rm(folder, { recursive: true }));

beforeEach(() => {
  output = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => Boolean((output += String(text))));
  vi.spyOn(process.stderr, "write").mockImplementation(() => true);
});
afterEach(() => void vi.restoreAllMocks());

const place = (): string[] => ["--model", model, "--backend", "cpu", "--threads", "1", "--temperature", "0"];

test("generate goes on past the trained window where the policy does", async () => {
  const prompt = "It goes on and on. ".repeat(60);
  const args = [...place(), "--prompt", prompt, "--max-tokens", "8"];
  await expect(generate([...args, "--context", "dense"])).rejects.toMatchObject({ code: "context-exceeded" });
  expect(await generate([...args, "--context", "streaming", "--recent", "64"])).toBe(0);
  expect(output.trim()).not.toBe("");
});

test("generate reads its prompt from a file, as from the command line", async () => {
  const file = join(folder, "prompt.txt");
  await writeFile(file, "Hello there");
  await generate([...place(), "--prompt", "Hello there", "--max-tokens", "8"]);
  const given = output;
  output = "";
  await generate([...place(), "--prompt-file", file, "--max-tokens", "8"]);
  expect(output).toBe(given);
});

test("a prompt must come from one place that can be read", async () => {
  const file = join(folder, "latin.txt");
  await writeFile(file, Uint8Array.of(72, 0xe4));
  await expect(generate(place())).rejects.toMatchObject({ code: "invalid-option", what: "--prompt is missing" });
  await expect(generate([...place(), "--prompt", "a", "--prompt-file", file])).rejects.toMatchObject({ code: "invalid-option" });
  await expect(generate([...place(), "--prompt-file", file])).rejects.toMatchObject({ code: "invalid-option", remedy: "save it as UTF-8" });
  await expect(generate([...place(), "--prompt-file", join(folder, "none")])).rejects.toMatchObject({ code: "invalid-option" });
});

test.each([
  ["--context", "sparse"],
  ["--kv", "kv2"],
  ["--budget", "-1"],
  ["--sinks", "1.5"],
  ["--recent", "0"],
])("%s %s is refused", async (name, value) => {
  const args = [...place(), "--prompt", "Hello", "--context", "quest", `${name}=${value}`];
  await expect(generate(args)).rejects.toMatchObject({ code: "invalid-option" });
  expect(output).toBe("");
});

test("a head map of another model is refused, and what is none", async () => {
  const map = join(folder, "map.json");
  const args = [...place(), "--prompt", "Hello", "--context", "duo", "--head-map", map];
  for (const content of [{ version: 1, model: "another", streaming: [[true]] }, { version: 2 }, "nothing"]) {
    await writeFile(map, JSON.stringify(content));
    await expect(generate(args)).rejects.toMatchObject({ code: "invalid-option" });
  }
  await writeFile(
    map,
    JSON.stringify({
      version: 1,
      model: "tiny",
      streaming: [
        [true, false],
        [true, false],
      ],
    }),
  );
  expect(await generate([...args, "--max-tokens", "4"])).toBe(0);
});

test("--kv mixed stores each layer as the head map says, and says so where none does", async () => {
  let told = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((told += String(text))));
  const map = join(folder, "precision.json");
  const heads = {
    version: 1,
    model: "tiny",
    streaming: [
      [false, false],
      [false, false],
    ],
  };
  const args = [...place(), "--prompt", "It goes on and on. ".repeat(8), "--max-tokens", "8", "--kv", "mixed"];
  const fallback = "No head map says what precision each layer of this model needs";
  await writeFile(map, JSON.stringify({ ...heads, precision: ["kv8", "kv4"] }));
  expect(await generate([...args, "--head-map", map])).toBe(0);
  expect(told).not.toContain(fallback);
  await writeFile(map, JSON.stringify({ ...heads, precision: ["kv8", "kv2"] }));
  await expect(generate([...args, "--head-map", map])).rejects.toMatchObject({ code: "invalid-option", value: '"kv2"' });
  expect(await generate(args)).toBe(0);
  expect(told).toContain(fallback);
});
