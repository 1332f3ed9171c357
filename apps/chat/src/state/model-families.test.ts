import { expect, test } from "vitest";
import type { CatalogueEntry, StoredModel } from "../longtab.ts";
import { byFamily, familyOf, OWN_MODELS } from "./model-families.ts";

test.each([
  ["SmolLM2 135M Instruct", "SmolLM2"],
  ["Qwen2.5 0.5B Instruct", "Qwen2.5"],
  ["Llama 3.2 1B", "Llama 3.2"],
  ["Nameless", "Nameless"],
  ["7B of nothing", "7B of nothing"],
])("%s is of the family %s", (name, family) => {
  expect(familyOf(name)).toBe(family);
});

test("models come by family, the smallest first, with what is stored of each; what only this browser has comes last", () => {
  const entry = (id: string, name: string, size: number) => ({ id, name, size }) as CatalogueEntry;
  const stored = (id: string, lastUsed: number): StoredModel => ({ id, name: id, size: 1, storedBytes: 1, complete: true, lastUsed });
  const catalogue = [entry("b", "Beta 1B", 30), entry("a2", "Alpha 360M", 20), entry("a1", "Alpha 135M", 10)];
  const families = byFamily(catalogue, [stored("mine", 1), stored("a2", 2), stored("mine too", 3)], ({ id }, known) => id === known.id);
  expect(families.map(({ name, models }) => [name, models.map((model) => [model.id, model.stored?.id])])).toEqual([
    [
      "Alpha",
      [
        ["a1", undefined],
        ["a2", "a2"],
      ],
    ],
    ["Beta", [["b", undefined]]],
    [
      OWN_MODELS,
      [
        ["mine too", "mine too"],
        ["mine", "mine"],
      ],
    ],
  ]);
});
