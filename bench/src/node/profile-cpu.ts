import { Drawer } from "@longtab/engine/drawer";
import type { DecodeProfile, PartTime } from "./decode-profile.ts";
import { medianTimes } from "./decode-profile.ts";
import type { Simd } from "./open-backend.ts";
import { openCpu } from "./open-backend.ts";
import { greedy } from "./run-longtab.ts";
import type { RuntimeInput } from "./runtime-input.ts";
import { TimedKernels } from "./timed-kernels.ts";

/** Steps that are not counted: the first ones after a prompt still warm up. */
const warmUp = 2;

/** Time of one decode step by kind of operation, after each prompt; without drafts. */
export async function profileCpu({
  model,
  prompts,
  decodeTokens,
  contextLength,
  context,
  threads,
  simd,
}: RuntimeInput & { simd: Simd }): Promise<DecodeProfile[]> {
  const { backend } = await openCpu(model, simd, { contextLength, context, threads });
  const { heap, vocabularySize } = backend;
  const { scratch } = backend.model;
  backend.drafts = false;
  const kernels = new TimedKernels(backend.model);
  const drawer = new Drawer(vocabularySize);
  const profiles: DecodeProfile[] = [];
  for (const { tokens, ids } of prompts) {
    const timeline = backend.createTimeline();
    await timeline.prefill(Uint32Array.from(ids), greedy);
    const steps: PartTime[][] = [];
    for (let step = 0; step < warmUp + decodeTokens; step++) {
      kernels.take();
      const started = performance.now();
      await timeline.decode(greedy);
      const whole = performance.now() - started;
      const parts = kernels.take();
      // The same draw once more: the timeline's own cannot be timed from outside.
      const drawing = performance.now();
      drawer.draw(heap.f32(scratch.logits, vocabularySize), Uint32Array.from(ids), greedy, ids.length);
      const drawn = performance.now() - drawing;
      const computed = parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
      if (step < warmUp) continue;
      steps.push([
        ...parts,
        { name: "drawing the token", calls: 1, milliseconds: drawn },
        { name: "everything else", calls: 1, milliseconds: whole - computed - drawn },
      ]);
    }
    timeline.dispose();
    profiles.push({ context: tokens, clock: "processor", parts: medianTimes(steps) });
  }
  backend.dispose();
  return profiles;
}
