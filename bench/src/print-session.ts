import type { SessionFigures } from "./browser/measure-session.ts";
import { formatNumber, formatTable } from "./table.ts";

/** What keeping a session and bringing it back takes, beside the same bytes raw and beside reading it again. */
export function printSession(figures: SessionFigures): string {
  const { where, tokens, bytes, prefillSeconds, writeSeconds, restoreSeconds, rawWriteSeconds, rawReadSeconds } = figures;
  const row = (what: string, seconds: number, raw: number): string[] => [what, ...[seconds, raw, seconds - raw].map(formatNumber)];
  const titles = [`${tokens} tokens, ${formatNumber(bytes / 1e6)} MB`, "s", "raw, s", "beyond, s"];
  return [
    where,
    formatTable(
      titles.map((title, index) => ({ title, align: index === 0 ? ("left" as const) : ("right" as const) })),
      [
        row("kept in IndexedDB", writeSeconds, rawWriteSeconds),
        row("brought back", restoreSeconds, rawReadSeconds),
        ["read again instead", formatNumber(prefillSeconds)],
      ],
    ),
  ].join("\n\n");
}
