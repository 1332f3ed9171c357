import { parseHeadMap } from "./head-map.ts";
import type { HeadMap } from "./head-map.ts";
import type { CacheShape } from "./page.ts";

/** The maps in head-maps/, by the name that a model's file gives itself; quantisations of one model have one name. */
const maps: Record<string, () => Promise<{ default: unknown }>> = {
  "Smollm2 135M 8k Lc100K Mix1 Ep2": () => import("../head-maps/smollm2-135m-instruct.json"),
};

/** The head map that comes with Longtab for a model, if one does. */
export async function shippedHeadMap(model: string, shape: Pick<CacheShape, "layers" | "kvHeads">): Promise<HeadMap | undefined> {
  const load = maps[model];
  return load && parseHeadMap((await load()).default, shape);
}
