import type { HeadPages } from "./head-pages.ts";
import { pageTokens, pagesFor } from "./page.ts";
import type { HeadPage } from "./page.ts";
import { farFromAt, movesAway, windowPage } from "./policies/policy.ts";
import type { HeadRule, Policy } from "./policies/policy.ts";

/** What a timeline's pages are, counted over all layers and KV heads. */
export interface PageUsage {
  /** Pages of the first tokens, always read. */
  sink: number;
  /** Pages of the last tokens, always read. */
  recent: number;
  /** Other pages: read where they are on the list, or when a step selects them. */
  kept: number;
  /** Of those kept, pages that are outside of the cache's memory, and come back when steps look for them. */
  away: number;
  /** Of those kept, pages further back than the model was trained for: read at a distance inside the window. */
  far: number;
  /** Of all, pages that are quantised. */
  quantised: number;
  /** Pages that were given back: what they held is forgotten by their head. */
  forgotten: number;
}

export function countPages(heads: readonly HeadPages[], { selection }: Policy, length: number): PageUsage {
  const usage: PageUsage = { sink: 0, recent: 0, kept: 0, away: 0, far: 0, quantised: 0, forgotten: 0 };
  const last = Math.max(0, length - 1);
  const selecting = selection && length > 0 && last >= selection.from ? selection : undefined;
  for (const { pages, rule } of heads) {
    const [sinks, recent] =
      rule.selects && selecting
        ? [selecting.sinks, Math.floor(last / pageTokens) - Math.max(1, pagesFor(selecting.recent)) + 1]
        : [rule.sinks, windowPage(rule, last)];
    // Pages are in order of position: what they are changes at a few places.
    const sinkPages = before(pages, sinks);
    const recentFrom = rule.selects || last >= rule.from ? Math.max(sinkPages, before(pages, recent * pageTokens)) : pages.length;
    usage.sink += sinkPages;
    usage.recent += pages.length - recentFrom;
    usage.kept += recentFrom - sinkPages;
    if (selection) usage.far += Math.max(0, before(pages, last - farFromAt(selection, last)) - sinkPages);
    // They close in that order too.
    if (pages[0]?.form === "closed") usage.quantised += pages.findLastIndex(({ form }) => form !== "open") + 1;
    usage.away += countAway(pages, rule);
    usage.forgotten += pagesFor(length) - pages.length;
  }
  return usage;
}

function countAway(pages: readonly HeadPage[], rule: HeadRule): number {
  return movesAway(rule) ? pages.reduce((count, { form }) => count + Number(form === "away"), 0) : 0;
}

/** How many pages begin before `position`. */
function before(pages: readonly HeadPage[], position: number): number {
  let [low, high] = [0, pages.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pages[middle]?.position ?? Infinity) < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
