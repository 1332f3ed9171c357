import type { BrowserFigures } from "./browser/measure-browser.ts";
import { longtabModes } from "./browser/modes.ts";
import { printContest } from "./print-contest.ts";
import { median } from "./statistics.ts";
import { formatNumber } from "./table.ts";

/** Each of Longtab's modes beside the peers that it is compared with, all of one contest. */
export function printBrowser({ executable, where, entries, start, library }: BrowserFigures): string {
  const blocks = [executable];
  for (const { name, peers } of longtabModes) {
    const own = entries.find((entry) => entry.name === name);
    if (own === undefined) continue;
    const others = peers.flatMap((peer) => entries.filter((entry) => entry.name === peer.name));
    const place = where[name] === undefined ? "" : `${name}: ${where[name]}\n`;
    blocks.push(`${place}${printContest([own, ...others])}`);
  }
  const [first] = start;
  if (first !== undefined) {
    const middle = (value: (figures: (typeof start)[number]) => number): string => formatNumber(median(start.map(value)));
    blocks.push(
      [
        `Warm start to first token on WebGPU (${first.promptTokens} tokens read): ${middle((figures) => figures.toFirstTokenSeconds)} s, of which reading the stored`,
        `bytes, uploading them and making the pipelines take ${middle((figures) => figures.rawSeconds)} s; above that ${middle((figures) => figures.aboveRawSeconds)} s.`,
      ].join("\n"),
    );
  }
  blocks.push(
    library.state === "measured"
      ? `Library with its worker: ${formatNumber(library.library)} KB gzip; for the processor ${formatNumber(library.processor)} KB more.`
      : `Library not weighed: ${library.reason}`,
  );
  return blocks.join("\n\n");
}
