import type { BrowserFigures } from "./browser/measure-browser.ts";
import { printContest } from "./print-contest.ts";
import { median } from "./statistics.ts";
import { formatNumber } from "./table.ts";

export function printBrowser({ executable, adapter, entries, start, library }: BrowserFigures): string {
  const lines = [`${executable}${adapter === undefined ? "" : `; ${adapter}`}`, "", printContest(entries)];
  const [first] = start;
  if (first !== undefined) {
    const middle = (value: (figures: (typeof start)[number]) => number): string => formatNumber(median(start.map(value)));
    lines.push(
      "",
      `Warm start to first token (${first.promptTokens} tokens read): ${middle((figures) => figures.toFirstTokenSeconds)} s, of which reading the stored`,
      `bytes, uploading them and making the pipelines take ${middle((figures) => figures.rawSeconds)} s; above that ${middle((figures) => figures.aboveRawSeconds)} s.`,
    );
  }
  lines.push(
    "",
    library.state === "measured"
      ? `Library with its worker: ${formatNumber(library.kilobytes)} KB gzip.`
      : `Library not weighed: ${library.reason}`,
  );
  return lines.join("\n");
}
