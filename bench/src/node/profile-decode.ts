import type { KernelTime } from "@longtab/gpu";
import { Profiler } from "@longtab/gpu";
import { median } from "../statistics.ts";
import { openBackend } from "./open-backend.ts";
import type { RuntimeInput } from "./runtime-input.ts";
import { greedy } from "./run-longtab.ts";

export interface DecodeProfile {
  /** Tokens in the cache before the first step that was timed. */
  context: number;
  /** Of one token, longest first; milliseconds are medians over the tokens. */
  kernels: KernelTime[];
}

/** GPU time of one decode step by kernel, after the first prompt. Undefined where the adapter has no timestamps. */
export async function profileDecode({ model, prompts, decodeTokens, contextLength }: RuntimeInput): Promise<DecodeProfile | undefined> {
  const { backend } = await openBackend(model, contextLength);
  const profiler = Profiler.create(backend.gpu);
  const [prompt] = prompts;
  if (profiler === undefined || prompt === undefined) {
    backend.dispose();
    return undefined;
  }
  const timeline = backend.createTimeline();
  await timeline.prefill(Uint32Array.from(prompt.ids), greedy);
  backend.recorder.profiler = profiler;
  const steps: KernelTime[][] = [];
  for (let step = 0; step < decodeTokens; step++) {
    await timeline.decode(greedy);
    steps.push(await profiler.read());
  }
  profiler.dispose();
  backend.dispose();
  return { context: prompt.tokens, kernels: medians(steps) };
}

function medians(steps: readonly (readonly KernelTime[])[]): KernelTime[] {
  const kernels = (steps[0] ?? []).map(({ name, dispatches }) => ({
    name,
    dispatches,
    milliseconds: median(steps.flatMap((step) => step.filter((kernel) => kernel.name === name).map(({ milliseconds }) => milliseconds))),
  }));
  return kernels.toSorted((a, b) => b.milliseconds - a.milliseconds);
}
