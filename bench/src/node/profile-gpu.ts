import { Profiler } from "@longtab/gpu";
import type { DecodeProfile, PartTime } from "./decode-profile.ts";
import { medianTimes } from "./decode-profile.ts";
import { openWebGpu } from "./open-backend.ts";
import { greedy } from "./run-longtab.ts";
import type { RuntimeInput } from "./runtime-input.ts";

/** GPU time of one decode step by kernel, after the first prompt. @throws Error where the adapter has no timestamps. */
export async function profileGpu({ model, prompts, decodeTokens, contextLength, context }: RuntimeInput): Promise<DecodeProfile[]> {
  const { backend } = await openWebGpu(model, { contextLength, context });
  const profiler = Profiler.create(backend.gpu);
  if (profiler === undefined) throw new Error("the adapter has no timestamp queries");
  const profiles: DecodeProfile[] = [];
  for (const { tokens, ids } of prompts.slice(0, 1)) {
    const timeline = backend.createTimeline();
    await timeline.prefill(Uint32Array.from(ids), greedy);
    backend.recorder.profiler = profiler;
    const steps: PartTime[][] = [];
    for (let step = 0; step < decodeTokens; step++) {
      await timeline.decode(greedy);
      steps.push((await profiler.read()).map(({ name, dispatches, milliseconds }) => ({ name, calls: dispatches, milliseconds })));
    }
    profiles.push({ context: tokens, clock: "GPU", parts: medianTimes(steps) });
  }
  profiler.dispose();
  backend.dispose();
  return profiles;
}
