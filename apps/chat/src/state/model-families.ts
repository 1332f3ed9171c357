import type { CatalogueEntry, StoredModel } from "../longtab.ts";

/** A model of the catalogue, of this browser, or both. */
export interface KnownModel {
  id: string;
  name: string;
  entry?: CatalogueEntry;
  stored?: StoredModel;
}

export interface ModelFamily {
  name: string;
  models: KnownModel[];
}

/** What stands before a model's size in its name: "SmolLM2 135M Instruct" is of the family SmolLM2. */
export function familyOf(name: string): string {
  const words = name.split(/\s+/);
  const size = words.findIndex((word, index) => index > 0 && /^\d+(\.\d+)?[mb]$/i.test(word));
  return size < 0 ? name : words.slice(0, size).join(" ");
}

export const OWN_MODELS = "Other models on this device";

/** The catalogue by family, the smallest model first, and behind it what only this browser has, the last used first. */
export function byFamily(
  catalogue: readonly CatalogueEntry[],
  stored: readonly StoredModel[],
  isCopy: (stored: StoredModel, entry: CatalogueEntry) => boolean,
): ModelFamily[] {
  const known = catalogue
    .toSorted((a, b) => a.size - b.size)
    .map((entry): KnownModel => {
      const copy = stored.find((model) => isCopy(model, entry));
      const { id, name } = entry;
      return copy === undefined ? { id, name, entry } : { id, name, entry, stored: copy };
    });
  const names = [...new Set(known.map(({ name }) => familyOf(name)))];
  const families = names.map((name): ModelFamily => ({ name, models: known.filter((model) => familyOf(model.name) === name) }));
  const own = stored
    .filter((model) => !catalogue.some((entry) => isCopy(model, entry)))
    .toSorted((a, b) => b.lastUsed - a.lastUsed)
    .map((model): KnownModel => ({ id: model.id, name: model.name, stored: model }));
  return own.length === 0 ? families : [...families, { name: OWN_MODELS, models: own }];
}
