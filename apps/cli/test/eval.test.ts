import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHeadMap } from "@longtab/attention/head-map";
import type { HeadMap } from "@longtab/attention";
import { tinyModel } from "@longtab/formats/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { calibrate } from "../src/calibrate/calibrate.ts";
import { evaluate } from "../src/eval/eval.ts";

let folder: string;
let model: string;
let text: string;
let output: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longtab-eval-"));
  [model, text] = [join(folder, "tiny.gguf"), join(folder, "text.txt")];
  await writeFile(model, tinyModel({ contextLength: 512 }));
  await writeFile(text, Array.from({ length: 1200 }, (_, index) => `Line ${index} of a text without end.\n`).join(""));
});
afterAll(async () => rm(folder, { recursive: true }));

beforeEach(() => {
  output = "";
  vi.spyOn(process.stdout, "write").mockImplementation((written) => Boolean((output += String(written))));
  vi.spyOn(process.stderr, "write").mockImplementation(() => true);
});
afterEach(() => void vi.restoreAllMocks());

const place = (): string[] => ["--model", model, "--text", text, "--backend", "cpu", "--threads", "1"];

interface Results {
  rows: { suite: string; cell: string; measures: Record<string, { mean: number; count: number }>; seconds: number }[];
  targets: { suite: string; met: boolean }[];
}

async function readResults(out: string): Promise<Results> {
  return JSON.parse(await readFile(join(out, "results.json"), "utf8")) as Results;
}

test("calibrate finds a head map, and eval measures every suite with it, and measures nothing twice", async () => {
  const [map, out] = [join(folder, "map.json"), join(folder, "results")];
  expect(await calibrate([...place(), "--out", map, "--needles", "2", "--tokens", "256", "--trials", "4", "--share", "0.5"])).toBe(0);
  const headMap: HeadMap = parseHeadMap(JSON.parse(await readFile(map, "utf8")), { layers: 2, kvHeads: 2 });
  expect(headMap.scores?.flat().every((score) => score >= 0)).toBe(true);
  expect(headMap.streaming.flat().filter(Boolean).length).toBeLessThanOrEqual(2);
  expect(headMap.quality?.map(({ heads }) => heads)).toEqual(
    expect.arrayContaining(["dense", "profile with a check", "gates", "all stream"]),
  );

  const args = [...place(), "--small", "--out", out, "--head-map", map];
  expect(await evaluate(args)).toBe(0);
  const { rows, targets } = await readResults(out);
  expect([...new Set(rows.map(({ suite }) => suite))].toSorted()).toEqual(
    ["StreamEval", "duo", "equality", "options", "passkey", "precision", "quest", "streaming", "union"].toSorted(),
  );
  const equal = targets.filter(({ suite }) => suite === "equality");
  expect(equal.length).toBe(10);
  expect(equal.every(({ met }) => met)).toBe(true);
  expect(output).toContain("## Quest\n\n| cell | n | kl |");

  const parts = await readFile(join(out, "parts.jsonl"), "utf8");
  await evaluate(args);
  expect(await readFile(join(out, "parts.jsonl"), "utf8")).toBe(parts);
}, 180_000);

test("calibrate says at what precision each layer is stored, within the bits asked for, and generates with it", async () => {
  const map = join(folder, "bits.json");
  const few = ["--needles", "2", "--tokens", "128", "--trials", "2"];
  expect(await calibrate([...place(), "--out", map, ...few, "--bits", "6"])).toBe(0);
  const { precision = [], method } = parseHeadMap(JSON.parse(await readFile(map, "utf8")), { layers: 2, kvHeads: 2 });
  const bits = precision.reduce((sum, name) => sum + { kv8: 8, k8v4: 6, kv4: 4 }[name], 0);
  expect(precision).toHaveLength(2);
  expect(bits).toBeLessThanOrEqual(12);
  expect(method).toContain("to 6 bits");
  const out = join(folder, "mixed");
  await evaluate([...place(), "--small", "--out", out, "--head-map", map, "--suite", "precision"]);
  expect((await readResults(out)).rows.map(({ cell }) => cell)).toContain("dense mixed at 256");
});

test("eval measures one suite where one is asked for", async () => {
  const out = join(folder, "one");
  await evaluate([...place(), "--small", "--out", out, "--suite", "streaming"]);
  const { rows } = await readResults(out);
  expect(rows.map(({ suite }) => suite)).toEqual(Array(rows.length).fill("streaming"));
  for (const { measures } of rows) expect(measures["nll inside"]?.mean).toBeGreaterThan(0);
});

test("eval measures the context that is chosen, and nothing else", async () => {
  const out = join(folder, "chosen");
  const args = [...place(), "--small", "--out", out, "--context", "quest", "--budget", "96", "--kv", "kv8"];
  await evaluate(args);
  const { rows } = await readResults(out);
  expect(rows.map(({ suite, cell }) => `${suite}: ${cell}`)).toEqual([
    "chosen: quest budget 96 kv8 at 256",
    "passkey: dense at 256",
    "passkey: quest budget 96 kv8 at 256",
  ]);
  await rm(join(out, "results.json"));
  await evaluate([...args, "--report"]);
  expect((await readResults(out)).rows).toEqual(rows);
});

test("eval refuses suites, sizes and texts that there are none of", async () => {
  const out = ["--out", join(folder, "none")];
  await expect(evaluate([...place(), ...out, "--suite", "speed"])).rejects.toMatchObject({ code: "invalid-option", value: "speed" });
  await expect(evaluate([...place(), ...out, "--samples", "0"])).rejects.toMatchObject({ code: "invalid-option", value: 0 });
  await writeFile(join(folder, "short.txt"), "Too short.");
  const short = ["--model", model, "--text", join(folder, "short.txt"), "--backend", "cpu", "--threads", "1"];
  await expect(evaluate([...short, ...out, "--small"])).rejects.toMatchObject({
    code: "invalid-option",
    what: "The text short.txt is too short to be measured on",
  });
});
