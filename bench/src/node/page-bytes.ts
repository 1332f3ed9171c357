import type { PageForm, PageUsage } from "@longtab/attention";
import { pageBytes } from "@longtab/attention/webgpu";
import type { CpuBackend } from "@longtab/cpu";
import type { WebGpuBackend } from "@longtab/engine";

/** What a timeline's pages take, with all that is stored beside them; pages that it shares with others included. */
export function pagesBytes(backend: CpuBackend | WebGpuBackend, { sink, recent, kept, quantised }: PageUsage): number {
  const bytes = bytesOf(backend);
  return (sink + recent + kept - quantised) * bytes.open + quantised * bytes.closed;
}

function bytesOf(backend: CpuBackend | WebGpuBackend): Record<PageForm, number> {
  if (backend.kind === "webgpu") return pageBytes(backend.pool.shape, backend.pool.storage);
  return { open: backend.pool.pageBytes("open"), closed: backend.pool.pageBytes("closed") };
}
