import type { CatalogueEntry } from "./api.ts";
import entries from "./catalogue.json" with { type: "json" };

/** Models that were tried with this version, each pinned to a revision and its SHA-256. */
export const catalogue: readonly CatalogueEntry[] = entries;

export function findCatalogueEntry(id: string): CatalogueEntry | undefined {
  return catalogue.find((entry) => entry.id === id);
}
