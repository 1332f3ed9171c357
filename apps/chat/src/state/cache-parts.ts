import type { CacheUsage } from "../longtab.ts";

/** What the model has of a conversation, in the parts that a person is shown. They do not overlap. */
export type Kind = "sink" | "recent" | "kept" | "far" | "forgotten";

export interface CachePart {
  kind: Kind;
  /** Averaged over the model's heads, which may keep different parts. */
  tokens: number;
  bytes: number;
}

const KINDS: readonly Kind[] = ["sink", "far", "kept", "recent", "forgotten"];

/** Empty parts are left out; the others are in the order in which a conversation has them, what was let go last. */
export function partsOf({ tokens, bytes, pages }: CacheUsage): CachePart[] {
  const { sink, recent, far, forgotten } = pages;
  // What is far is kept, too.
  const counts: Record<Kind, number> = { sink, recent, far, kept: Math.max(0, pages.kept - far), forgotten };
  const held = sink + recent + pages.kept;
  const all = held + forgotten;
  return KINDS.filter((kind) => counts[kind] > 0).map((kind) => ({
    kind,
    tokens: (counts[kind] / all) * tokens,
    bytes: kind === "forgotten" ? 0 : (counts[kind] / held) * bytes,
  }));
}
