import { shippedHeadMap } from "@longtab/attention";
import type { CacheShape, HeadMap } from "@longtab/attention";
import { createStore, get, set } from "idb-keyval";
import type { KnownHeadMaps } from "./context-choice.ts";

/** Head maps that were made in this browser, by the fingerprint of their model. */
const maps = () => createStore("longtab-head-maps", "maps");

export async function keepHeadMap(fingerprint: string, map: HeadMap): Promise<void> {
  await set(fingerprint, map, maps());
}

/** Where nothing can be stored, nothing was. */
async function findHeadMap(fingerprint: string): Promise<HeadMap | undefined> {
  try {
    return await get<HeadMap>(fingerprint, maps());
  } catch {
    return undefined;
  }
}

/** @param name what the model's file calls it. */
/** `name`: what the model's file calls itself. */
export function knownHeadMaps(fingerprint: string, name: string, shape: CacheShape): KnownHeadMaps {
  return { calibrated: () => findHeadMap(fingerprint), shipped: () => shippedHeadMap(name, shape) };
}
