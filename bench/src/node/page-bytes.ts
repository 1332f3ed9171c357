import type { PageUsage } from "@longtab/attention";
import type { CpuBackend } from "@longtab/cpu";
import type { WebGpuBackend } from "@longtab/engine";

/** What a timeline's pages take, with all that is stored beside them; pages that it shares with others included. Closed pages are those of a mean layer. */
export function pagesBytes({ cacheForm }: CpuBackend | WebGpuBackend, { sink, recent, kept, quantised }: PageUsage): number {
  const { open, closed } = cacheForm.pageBytes;
  const meanClosed = closed.reduce((sum, bytes) => sum + bytes, 0) / closed.length;
  return (sink + recent + kept - quantised) * open + quantised * meanClosed;
}
