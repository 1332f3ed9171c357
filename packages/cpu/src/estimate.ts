import type { ModelFile } from "@longtab/formats";
import { blockColumns } from "./forms.ts";
import type { CpuHost } from "./host.ts";
import { planCpuLoad } from "./plan.ts";
import type { InputBits } from "./scratch.ts";
import { start } from "./start.ts";
import { webHost } from "./web/host.ts";

/** A matrix of about 20 MiB: more than caches hold, as a model is. */
const shape = { rows: 16_384, columns: 2048 } as const;
const tileBytes = 80;
const wantedSeconds = 0.02;

export interface EstimateOptions {
  host?: CpuHost | undefined;
  threads?: number | undefined;
}

/**
 * Seconds that a decode step of this model would take here at a short context, from a few products of random weights; takes some tens of
 * milliseconds. @throws LongtabError as `planCpuLoad` and `start` do.
 */
export async function estimateStepSeconds(file: ModelFile, { host = webHost, threads }: EstimateOptions = {}): Promise<number> {
  const { memory } = planCpuLoad(file);
  const blocks = shape.columns / blockColumns;
  const bytes = (shape.rows / 4) * blocks * tileBytes;
  const { heap, kernels, team } = await start({ host, threads, limit: bytes + 4 * 2 ** 20 });
  try {
    const bits = kernels.inputBits(4) as InputBits;
    const tiles = heap.allocate(bytes);
    const inputs = heap.allocate(blocks * kernels.inputBlockBytes(bits));
    const y = heap.allocate(shape.rows * 4);
    const scratch = heap.allocate(kernels.productScratch(shape.rows));
    const started = performance.now();
    let best = Infinity;
    // The first pass touches the memory and wakes the threads.
    for (let pass = 0; pass < 3 || performance.now() - started < wantedSeconds * 1000; pass++) {
      const from = performance.now();
      kernels.product(tiles, 4, inputs, bits, y, 1, shape.rows, blocks, shape.rows, 0, scratch);
      if (pass > 0) best = Math.min(best, performance.now() - from);
    }
    return ((best / 1000) * memory.weights) / bytes;
  } finally {
    team.dispose();
  }
}
