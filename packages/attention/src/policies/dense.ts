import { everything } from "./policy.ts";
import type { Policy } from "./policy.ts";

/** Attention as it was trained: every page is on the list, whole, at its own position. The only policy that ends with the trained window. */
export const dense: Policy = {
  name: "dense",
  endless: false,
  denseUntil: Infinity,
  rule: () => everything,
  rotations: (position) => [position],
  selection: undefined,
};
