import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Parts } from "./parts.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "longtab-parts-"))));
afterEach(async () => rm(folder, { recursive: true }));

const header = { model: "a.gguf", backend: "cpu" };
const part = { suite: "quest", cell: "quest 512 at 4096", scene: "Moby-Dick at 8%", values: { kl: [0.0123456789, 0] }, seconds: 2 };

test("parts that were written are there for the next run", async () => {
  await (await Parts.open(folder, header)).add(part);
  const again = await Parts.open(folder, header);
  expect(again.has(part)).toBe(true);
  expect(again.has({ ...part, scene: "Moby-Dick at 25%" })).toBe(false);
  expect(again.all()).toEqual([{ ...part, values: { kl: [0.012346, 0] } }]);
});

test("a line that a stop cut short is measured again, and does not swallow the next", async () => {
  await (await Parts.open(folder, header)).add(part);
  await appendFile(join(folder, "parts.jsonl"), JSON.stringify({ ...part, scene: "cut" }).slice(0, 40));
  const next = await Parts.open(folder, header);
  expect(next.all()).toHaveLength(1);
  await next.add({ ...part, scene: "cut" });
  expect((await Parts.open(folder, header)).all()).toHaveLength(2);
});

test("parts of another model are not mixed in", async () => {
  await (await Parts.open(folder, header)).add(part);
  await expect(Parts.open(folder, { ...header, model: "b.gguf" })).rejects.toMatchObject({ code: "invalid-option" });
  expect(await readFile(join(folder, "parts.jsonl"), "utf8")).toContain("a.gguf");
});
