import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tinyModel } from "@longtab/formats/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { generate } from "../src/generate.ts";
import { inspect } from "../src/inspect.ts";
import { score } from "../src/score.ts";

let folder: string;
let model: string;
let output: string;
let told: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longtab-cli-"));
  model = join(folder, "tiny.gguf");
  await writeFile(model, tinyModel());
});
afterAll(async () => rm(folder, { recursive: true }));

beforeEach(() => {
  output = "";
  told = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => Boolean((output += String(text))));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((told += String(text))));
});
afterEach(() => void vi.restoreAllMocks());

const greedy = (...more: string[]): string[] => ["--model", model, "--prompt", "Hello", "--temperature", "0", "--max-tokens", "8", ...more];

test("generate writes the same text on one thread of the processor as on several, and says what runs where", async () => {
  await generate(greedy("--backend", "cpu", "--threads", "1"));
  const alone = output;
  expect(alone.trim()).not.toBe("");
  expect(told).toMatch(/^Runs on the processor, as chosen\. 1 thread, (plain|relaxed) SIMD\. Prompts are read by .*\. \d+ MB of memory, /);
  expect(told).toMatch(/tokens read at [\d.]+ tok\/s, 8 written at [\d.]+ tok\/s \(length\)\n$/);
  output = "";
  await generate(greedy("--backend=cpu"));
  expect(output).toBe(alone);
});

test("generate takes the processor by itself where no graphics adapter is to be had", async () => {
  vi.stubEnv("LONGTAB_GPU", "none");
  await generate(greedy());
  vi.unstubAllEnvs();
  expect(told).toMatch(/^Runs on the processor: there is no usable graphics adapter here\./);
  expect(output.trim()).not.toBe("");
});

test("score gives distributions on the processor that are those of its own forced tokens", async () => {
  const [input, result] = [join(folder, "in.json"), join(folder, "out.json")];
  await writeFile(input, JSON.stringify([{ id: "a", ids: [1, 2, 3], continuation: [4, 5] }]));
  expect(await score(["--model", model, "--in", input, "--out", result, "--backend", "cpu", "--threads", "2"])).toBe(0);
  const [scored] = JSON.parse(await readFile(result, "utf8")) as { id: string; steps: { top: { logprob: number }[]; logprob: number }[] }[];
  expect(scored?.id).toBe("a");
  expect(scored?.steps).toHaveLength(2);
  for (const { top, logprob } of scored?.steps ?? []) {
    expect(top).toHaveLength(10);
    expect(logprob).toBeLessThanOrEqual(top[0]?.logprob ?? -Infinity);
  }
});

test("inspect plans the memory of the processor beside that of the graphics card", async () => {
  expect(await inspect([model])).toBe(0);
  const { plan } = JSON.parse(output) as { plan: { memory: object; cpu: { contextLength: number; memory: Record<string, number> } } };
  expect(plan.cpu.contextLength).toBe(256);
  expect(plan.cpu.memory["weights"]).toBeGreaterThan(0);
  expect(Object.keys(plan.cpu.memory)).toEqual(Object.keys(plan.memory));
});

test("a backend that there is none of, and threads that are no number of threads, are refused", async () => {
  await expect(generate(greedy("--backend", "npu"))).rejects.toMatchObject({ code: "invalid-option", limit: "auto, webgpu or cpu" });
  for (const threads of ["0", "1.5"]) {
    await expect(generate(greedy("--backend", "cpu", "--threads", threads))).rejects.toMatchObject({ code: "invalid-option" });
  }
  expect(output).toBe("");
});
