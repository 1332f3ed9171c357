import type { HeadMap } from "../head-map.ts";
import { everything } from "./policy.ts";
import type { HeadRule, Policy, PolicyName, Selection } from "./policy.ts";

/** What the policies have in common that tell heads apart, select, or reach past the trained window. */
export interface MixedOptions {
  name: PolicyName;
  /** Tokens that the model was trained for. */
  trained: number;
  /** DuoAttention (Xiao et al., 2410.10819): heads that stream keep sinks and recents from position `from` on, at their own positions. */
  streaming?: { map: HeadMap; sinks: number; recent: number; from: number } | undefined;
  /** Quest (Tang et al., 2406.10774): the other heads read sinks, recents and the best runs of what they keep. */
  selection?: Selection | undefined;
  /** From position `from` on, the trained window or less: last tokens that the other heads see while a prompt is read, and keep. */
  past: Omit<HeadRule, "selects">;
}

function keepsRecent({ sinks, recent, from }: Pick<HeadRule, "sinks" | "recent" | "from">): HeadRule {
  return { sinks, recent, from, keeps: recent, resident: recent, returns: 0, selects: false };
}

/**
 * Heads that stream, heads that retrieve, and what becomes of both past the trained window: there the retrieving heads see sinks and
 * recents too while a prompt is read, keep `past.keeps` tokens, and meet what is far at a distance inside the window.
 */
export function mixed({ name, trained, streaming, selection, past }: MixedOptions): Policy {
  const retrieving: HeadRule = {
    ...past,
    selects: selection !== undefined,
  };
  const local: HeadRule = streaming ? keepsRecent(streaming) : everything;
  return {
    name,
    endless: true,
    denseUntil: Math.min(streaming?.from ?? Infinity, selection?.from ?? Infinity, past.from),
    rule: (layer, kvHead) => (streaming?.map.streaming[layer]?.[kvHead] ? local : retrieving),
    rotations(position) {
      if (position < trained) return [position];
      const sinks = trained - 1;
      return selection && Number.isFinite(selection.farFrom) ? [position, sinks, selection.farDistance] : [position, sinks];
    },
    selection,
  };
}
