import type { HeadMap } from "./head-map.ts";
import type { CacheShape } from "./page.ts";

/** The maps in head-maps/, by the name that a model's file gives itself; quantisations of one model have one name. */
const maps: Record<string, () => Promise<{ default: unknown }>> = {
  "Smollm2 135M 8k Lc100K Mix1 Ep2": () => import("../head-maps/smollm2-135m-instruct.json"),
};

/** The head map that comes with Longtab for a model, if one does. */
export async function shippedHeadMap(
  model: string,
  { layers, kvHeads }: Pick<CacheShape, "layers" | "kvHeads">,
): Promise<HeadMap | undefined> {
  const load = maps[model];
  const map = load && ((await load()).default as HeadMap);
  // A model of another shape may call itself so.
  return map?.streaming.length === layers && map.streaming.every((heads) => heads.length === kvHeads) ? map : undefined;
}
