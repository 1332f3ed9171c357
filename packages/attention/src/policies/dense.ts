import { pageTokens } from "../page.ts";
import type { Policy } from "./policy.ts";

/** Attention as it was trained: every page is on the list, whole, at its own position. */
export const dense: Policy = {
  name: "dense",
  listCapacity: (contextLength) => Math.ceil(contextLength / pageTokens),
  writeList(list, pages, from) {
    for (const [offset, page] of pages.slice(from).entries()) list.entry(from + offset, page);
    list.end(pages.length);
  },
};
