import { parseModelReference } from "@longtab/weights/light";
import type { WeightsRequest } from "@longtab/weights";
import { findCatalogueEntry } from "./catalogue.ts";

/**
 * Where the bytes of a reference come from: a catalogue id has a known checksum and may lie on the page's own server; hub ids and URLs are parsed.
 * @throws LongtabError `invalid-option` for a reference that is none of these.
 */
export function weightsRequest(reference: string, modelBase: string | undefined): WeightsRequest {
  const entry = findCatalogueEntry(reference);
  if (!entry) return parseModelReference(reference);
  const own = modelBase === undefined ? [] : [new URL(entry.file, modelBase.endsWith("/") ? modelBase : `${modelBase}/`).href];
  return { id: entry.id, name: entry.name, urls: [...own, entry.url], sha256: entry.sha256, size: entry.size };
}
