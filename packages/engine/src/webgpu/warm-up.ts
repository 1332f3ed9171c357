import { throwIfAborted } from "@longtab/errors";
import { readBuffer } from "@longtab/gpu";
import type { Sampling } from "../backend.ts";
import { defaultSampling } from "../sampling/index.ts";
import type { WebGpuBackend } from "./backend.ts";
import { testedTokens } from "./self-test.ts";
import type { SelfTest } from "./self-test.ts";
import { WebGpuTimeline } from "./timeline.ts";

/** Sampling that needs every sampling kernel. */
const example: Sampling = { ...defaultSampling, seed: 0 };
/** Steps that are timed, as many under way as later; a software adapter, whose steps are long, needs one. */
const timedSteps = 4;

/**
 * Makes every pipeline and runs each once: some drivers compile at the first dispatch, which would otherwise be the person's first
 * token. What they compute is tested, and how long a step takes is measured. Progress counts pipelines and then two runs.
 * @returns seconds of a decode step; undefined where the context has no room for one.
 * @throws LongtabError `shader-failed`, `self-test-failed`, `aborted`, `device-lost`.
 */
export async function warmUp(
  backend: WebGpuBackend,
  selfTest: SelfTest | undefined,
  signal: AbortSignal | undefined,
  onProgress: (done: number, total: number) => void,
): Promise<number | undefined> {
  const timeline = WebGpuTimeline.create(backend, backend.policy);
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
    await selfTest?.checkProducts(backend);
    const tokens = Math.min(testedTokens, backend.contextLength - 1);
    if (tokens < 2) return undefined;
    // Spread over the vocabulary.
    const ids = Uint32Array.from({ length: tokens }, (_, index) => Math.floor((backend.vocabularySize * (index + 1)) / (tokens + 1)));
    await timeline.prefill(ids, example);
    const together = selfTest && (await readLogits(backend));
    onProgress(pipelines + 1, pipelines + 2);
    throwIfAborted(signal);
    timeline.truncate(tokens - 1);
    await timeline.prefill(ids.subarray(-1), example);
    if (together) {
      const alone = await readLogits(backend);
      const { normed } = backend.model.scratch;
      selfTest.checkHead(new Float32Array(await readBuffer(backend.gpu, normed, 0, backend.plan.config.hidden * 4)), alone);
      selfTest.checkPaths(alone, together);
    }
    throwIfAborted(signal);
    const steps = backend.gpu.report.software ? 1 : Math.min(timedSteps, backend.contextLength - tokens);
    const started = performance.now();
    await Promise.all(Array.from({ length: steps }, () => timeline.decode(example)));
    const seconds = (performance.now() - started) / 1000 / steps;
    onProgress(pipelines + 2, pipelines + 2);
    return seconds;
  } finally {
    timeline.dispose();
  }
}

/** The first row of logits of the last step: [V]. */
async function readLogits({ gpu, model, vocabularySize }: WebGpuBackend): Promise<Float32Array> {
  return new Float32Array(await readBuffer(gpu, model.scratch.logits, 0, vocabularySize * 4));
}
