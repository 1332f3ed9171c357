import { createPolicy } from "@longtab/attention";
import type { CacheShape, Policy } from "@longtab/attention";

/** One KV head of the model: layer * kvHeads + head. Heads that stream are a set of these. */
export type HeadIndex = number;

/** What streaming heads keep, in tokens; and the model they are heads of. */
export interface HeadSettings {
  shape: Pick<CacheShape, "layers" | "kvHeads">;
  /** What the model is called, for people. */
  model: string;
  trained: number;
  sinks: number;
  recent: number;
}

export function headCount({ layers, kvHeads }: HeadSettings["shape"]): number {
  return layers * kvHeads;
}

/** [layers][kvHeads] of a value of each head. */
export function byLayer<T>({ layers, kvHeads }: HeadSettings["shape"], valueOf: (head: HeadIndex) => T): T[][] {
  return Array.from({ length: layers }, (_, layer) => Array.from({ length: kvHeads }, (__, head) => valueOf(layer * kvHeads + head)));
}

/** DuoAttention with these heads streaming. */
export function duoPolicy({ shape, model, trained, sinks, recent }: HeadSettings, streaming: ReadonlySet<HeadIndex>): Policy {
  const headMap = { version: 1, model, streaming: byLayer(shape, (head) => streaming.has(head)) } as const;
  return createPolicy({ policy: "duo", headMap, sinks, recent }, { trained, keeps: trained });
}
