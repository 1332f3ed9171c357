import type { ConversationSummary } from "./conversation.ts";

export interface ConversationGroup {
  name: string;
  items: ConversationSummary[];
}

const DAY = 24 * 60 * 60 * 1000;

/** The list by age in calendar days of the person's own time zone; the pinned ones before them; `summaries` are newest first and stay so. Empty groups are left out. */
export function groupByAge(summaries: readonly ConversationSummary[], now: number): ConversationGroup[] {
  const today = new Date(now).setHours(0, 0, 0, 0);
  const pinned = { name: "Pinned", items: summaries.filter((summary) => summary.pinned === true) };
  const groups: (ConversationGroup & { since: number })[] = [
    { name: "Today", since: today, items: [] },
    { name: "Yesterday", since: today - DAY, items: [] },
    { name: "Last seven days", since: today - 7 * DAY, items: [] },
    { name: "Earlier", since: -Infinity, items: [] },
  ];
  for (const summary of summaries) if (summary.pinned !== true) groups.find(({ since }) => summary.updatedAt >= since)?.items.push(summary);
  return [pinned, ...groups].filter(({ items }) => items.length > 0).map(({ name, items }) => ({ name, items }));
}
