import { dense } from "@longtab/attention";
import { throwIfAborted } from "@longtab/errors";
import type { Sampling } from "../backend.ts";
import { defaultSampling } from "../sampling/index.ts";
import type { WebGpuBackend } from "./backend.ts";
import { WebGpuTimeline } from "./timeline.ts";

/** Sampling that needs every sampling kernel. */
const example: Sampling = { ...defaultSampling, seed: 0 };

/**
 * Makes every pipeline and runs each once: some drivers compile at the first dispatch, which would otherwise be the person's first
 * token. Progress counts pipelines and then the two runs.
 */
export async function warmUp(
  backend: WebGpuBackend,
  signal: AbortSignal | undefined,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const timeline = new WebGpuTimeline(backend, dense);
  try {
    let pipelines = 0;
    await backend.recorder.prepare(
      (step) => {
        timeline.recordExample(step, 1, "last", example);
        timeline.recordExample(step, 2, "all");
      },
      (done, total) => onProgress(done, (pipelines = total) + 2),
    );
    throwIfAborted(signal);
    if (backend.contextLength < 3) return;
    await timeline.prefill(Uint32Array.of(0, 0), example);
    onProgress(pipelines + 1, pipelines + 2);
    throwIfAborted(signal);
    await timeline.decode(example);
    onProgress(pipelines + 2, pipelines + 2);
  } finally {
    timeline.dispose();
  }
}
