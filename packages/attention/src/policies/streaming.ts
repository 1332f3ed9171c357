import { pageTokens } from "../page.ts";
import { windowPage } from "./policy.ts";
import type { HeadRule, Policy } from "./policy.ts";

/**
 * StreamingLLM (Xiao et al., 2309.17453): every head keeps the first tokens and the last ones. Memory is constant; what is between is
 * forgotten. Positions are those inside the cache: keys stay as they are, and the query meets the sinks as if it stood where the cache ends.
 */
export function streaming({ sinks, recent }: Pick<HeadRule, "sinks" | "recent">): Policy {
  const rule: HeadRule = { sinks, recent, from: 0, keeps: recent, resident: recent, returns: 0, selects: false };
  return {
    name: "streaming",
    endless: true,
    denseUntil: 0,
    rule: () => rule,
    rotations(position) {
      const dropped = windowPage(rule, position) * pageTokens - sinks;
      return dropped > 0 ? [position, position - dropped] : [position];
    },
    selection: undefined,
  };
}
