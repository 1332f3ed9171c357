import type { Entry } from "./contest.ts";
import { decodeAt, prefillOf, valuesOf } from "./figures.ts";
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
export function judgeTargets({ kernels, browser, settings }: Report): Judgement[] {
  const targets: Judgement[] = [];
  if (kernels?.state === "measured") {
    const decode = kernels.products.filter(({ tokens }) => tokens === 1);
    const worst = Math.min(...decode.map(({ shareOfLimit }) => shareOfLimit));
    if (decode.length > 0) {
      targets.push({ what: "slowest decode product, of the nearer limit", measured: formatShare(worst), aim: "60%", met: worst >= 0.6 });
    }
  }
  if (browser?.state === "measured") {
    const { entries, start, library } = browser;
    const context = settings.contexts[0] ?? 0;
    const wllama = entries.find(({ name }) => name === webGpuPeer);
    targets.push(...atLeastThreeTimes(entries[0], wllama, decodeAt(context)), ...atLeastThreeTimes(entries[0], wllama, prefillOf(context)));
    if (start.length > 0) {
      const above = median(start.map(({ aboveRawSeconds }) => aboveRawSeconds));
      targets.push({ what: "warm start to first token, above raw", measured: `${formatNumber(above)} s`, aim: "1.5 s", met: above <= 1.5 });
    }
    if (library.state === "measured") {
      const { kilobytes } = library;
      targets.push({
        what: "library with its worker, gzip",
        measured: `${formatNumber(kilobytes)} KB`,
        aim: "80 KB",
        met: kilobytes <= 80,
      });
    }
  }
  return targets;
}

/** The peer that runs on the same adapter. */
export const webGpuPeer = "wllama, WebGPU";

function atLeastThreeTimes(ours: Entry | undefined, theirs: Entry | undefined, figure: string): Judgement[] {
  const ratio = timesBetter("tok/s", valuesOf(ours?.measurements ?? [], figure), valuesOf(theirs?.measurements ?? [], figure));
  return Number.isNaN(ratio)
    ? []
    : [{ what: `${figure}, against ${webGpuPeer}`, measured: formatRatio(ratio), aim: "3x", met: ratio >= 3 }];
}
