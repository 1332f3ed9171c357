import type { StoredCache } from "./conversation.ts";

/** What the model has of a conversation, in the parts that a person is shown. They do not overlap. */
export type Kind = "sink" | "recent" | "kept" | "far" | "away" | "forgotten";

export interface CachePart {
  kind: Kind;
  /** Averaged over the model's heads, which may keep different parts. */
  tokens: number;
  bytes: number;
}

const KINDS: readonly Kind[] = ["sink", "away", "far", "kept", "recent", "forgotten"];

/** Empty parts are left out; the others are in the order in which a conversation has them, what was let go last. */
export function partsOf({ tokens, bytes, pages }: StoredCache): CachePart[] {
  const { sink, recent, away = 0, forgotten } = pages;
  // What is far is kept, too, and so is what is away: the farthest as a rule.
  const far = Math.max(0, pages.far - away);
  const counts: Record<Kind, number> = { sink, recent, away, far, kept: Math.max(0, pages.kept - away - far), forgotten };
  const held = sink + recent + pages.kept - away;
  const all = held + away + forgotten;
  return KINDS.filter((kind) => counts[kind] > 0).map((kind) => ({
    kind,
    tokens: (counts[kind] / all) * tokens,
    bytes: kind === "forgotten" || kind === "away" ? 0 : (counts[kind] / held) * bytes,
  }));
}
