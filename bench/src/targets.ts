import type { BrowserFigures } from "./browser/measure-browser.ts";
import type { LongtabMode } from "./browser/modes.ts";
import { longtabOpen, longtabThreads, longtabWebGpu } from "./browser/modes.ts";
import type { Measurement } from "./figures.ts";
import type { ContextFigures } from "./context/figures.ts";
import { beyondCopy, cellOf, memoryShare, selectionShare, timeRatio } from "./context/figures.ts";
import { decodeAt, peakMemory, prefillOf, valuesOf, warmLoad } from "./figures.ts";
import { timesBetter } from "./print-contest.ts";
import type { Report } from "./report.ts";
import { median } from "./statistics.ts";
import { formatNumber, formatRatio, formatShare } from "./table.ts";

export interface Judgement {
  what: string;
  measured: string;
  aim: string;
  met: boolean;
}

/** What the project wants to reach; only what this run measured is judged. */
export function judgeTargets({ kernels, context, session, browser, settings }: Report): Judgement[] {
  const targets: Judgement[] = [];
  if (kernels?.state === "measured") {
    const decode = kernels.products.filter(({ tokens }) => tokens === 1);
    const worst = Math.min(...decode.map(({ shareOfLimit }) => shareOfLimit));
    if (decode.length > 0) {
      targets.push({ what: "slowest decode product, of the nearer limit", measured: formatShare(worst), aim: "60%", met: worst >= 0.6 });
    }
  }
  if (context?.state === "measured") targets.push(...judgeContext(context));
  if (session?.state === "measured") {
    const { tokens, writeSeconds, restoreSeconds, rawWriteSeconds, rawReadSeconds } = session;
    targets.push(...atMost(`keeping a session of ${tokens} tokens, beyond raw`, [writeSeconds - rawWriteSeconds], 1, "s"));
    targets.push(...atMost(`bringing back a session of ${tokens} tokens, beyond raw`, [restoreSeconds - rawReadSeconds], 1, "s"));
  }
  if (browser?.state === "measured") targets.push(...judgeProcessor(browser), ...judgeWebGpu(browser, settings.contexts[0] ?? 0));
  return targets;
}

/** What the default policy's time per token may grow to, from one length to another. */
const growths = [
  { from: 1024, to: 8192, aim: 1.15 },
  { from: 8192, to: 32_768, aim: 1.1 },
] as const;

/** What the default policy's pages may take at 8192 tokens, as a share of dense f16. */
const memoryAims: Partial<Record<ContextFigures["precision"], number>> = { kv8: 0.42, kv4: 0.26 };

function judgeContext(figures: ContextFigures): Judgement[] {
  const { precision, fork, snapshot } = figures;
  const long = cellOf(figures, "auto", 8192);
  const memoryAim = memoryAims[precision];
  const below = (what: string, value: number, aim: number, print: (value: number) => string): Judgement[] =>
    Number.isNaN(value) ? [] : [{ what, measured: print(value), aim: print(aim), met: value <= aim }];
  return [
    ...growths.flatMap(({ from, to, aim }) =>
      below(
        `auto: ms per token at ${to} / at ${from}`,
        timeRatio(cellOf(figures, "auto", to), cellOf(figures, "auto", from)),
        aim,
        formatRatio,
      ),
    ),
    ...(long && memoryAim !== undefined
      ? below(`auto: ${precision} pages at 8192, of dense f16`, memoryShare(figures, long), memoryAim, formatShare)
      : []),
    ...(long ? below("auto: choosing what to read, of a step at 8192", selectionShare(long), 0.15, formatShare) : []),
    ...(snapshot.state === "measured"
      ? [
          ...atMost(`a snapshot of ${snapshot.tokens} tokens, beyond a copy`, [beyondCopy(snapshot).write], 1, "s"),
          ...atMost(`restoring ${snapshot.tokens} tokens, beyond a copy`, [beyondCopy(snapshot).restore], 1, "s"),
        ]
      : []),
    ...(fork.state === "measured" ? below("pages that a fork takes", fork.pages, 0, String) : []),
  ];
}

/** How many times as fast as wllama the processor's path should be. */
const ratios = [
  { mode: longtabThreads, figure: prefillOf(128), aim: 8 },
  { mode: longtabThreads, figure: prefillOf(1024), aim: 8 },
  { mode: longtabThreads, figure: prefillOf(4096), aim: 8 },
  { mode: longtabThreads, figure: decodeAt(128), aim: 5 },
  { mode: longtabThreads, figure: decodeAt(1024), aim: 6 },
  { mode: longtabThreads, figure: decodeAt(4096), aim: 13 },
  { mode: longtabOpen, figure: decodeAt(128), aim: 4 },
] as const;

function judgeProcessor(browser: BrowserFigures): Judgement[] {
  const own = measurementsOf(browser, longtabThreads.name);
  return [
    ...ratios.flatMap(({ mode, figure, aim }) => atLeast(browser, mode, figure, aim)),
    ...atMost("warm load on the processor", valuesOf(own, warmLoad), 1.5, "s"),
    ...atMost("peak memory of the page's process, on the processor", valuesOf(own, peakMemory), 450, "MB"),
    ...(own.length > 0 && browser.library.state === "measured"
      ? atMost("the processor's part, gzip", [browser.library.processor], 40, "KB")
      : []),
  ];
}

function judgeWebGpu(browser: BrowserFigures, context: number): Judgement[] {
  const { start, library } = browser;
  const above = start.map(({ aboveRawSeconds }) => aboveRawSeconds);
  return [
    ...atLeast(browser, longtabWebGpu, decodeAt(context), 3),
    ...atLeast(browser, longtabWebGpu, prefillOf(context), 3),
    ...atMost("warm start to first token, above raw", above, 1.5, "s"),
    ...(library.state === "measured" ? atMost("library with its worker, gzip", [library.library], 88, "KB") : []),
  ];
}

/** Against the peer of its own kind; nothing where one of them was not measured. */
function atLeast(browser: BrowserFigures, { name, peers: [peer] }: LongtabMode, figure: string, aim: number): Judgement[] {
  const [ours, theirs] = [name, peer.name].map((entry) => valuesOf(measurementsOf(browser, entry), figure));
  const ratio = timesBetter("tok/s", ours ?? [], theirs ?? []);
  return Number.isNaN(ratio)
    ? []
    : [{ what: `${figure}: ${name}, against ${peer.name}`, measured: formatRatio(ratio), aim: `${aim}x`, met: ratio >= aim }];
}

/** The median; nothing where nothing was measured. */
function atMost(what: string, values: readonly number[], aim: number, unit: string): Judgement[] {
  const value = median(values);
  return Number.isNaN(value) ? [] : [{ what, measured: `${formatNumber(value)} ${unit}`, aim: `${aim} ${unit}`, met: value <= aim }];
}

function measurementsOf({ entries }: BrowserFigures, name: string): readonly Measurement[] {
  return entries.find((entry) => entry.name === name)?.measurements ?? [];
}
