import type { CpuBackend } from "@longtab/cpu";
import type { WebGpuBackend } from "@longtab/engine";
import { Profiler } from "@longtab/gpu";
import type { Clock } from "./clock.ts";
import type { PartTime } from "./decode-profile.ts";
import { TimedKernels } from "./timed-kernels.ts";

/** Takes steps apart by kind of work. */
export interface StepClock {
  /** Where the time of a step went: on the processor all of it, on a graphics card that of its kernels. */
  time(step: () => Promise<unknown>): Promise<PartTime[]>;
}

/** From now on the backend's steps are a little slower. Undefined where the adapter has no clock. */
export function openStepClock(backend: CpuBackend | WebGpuBackend, clock: Clock): StepClock | undefined {
  return backend.kind === "cpu" ? processorClock(backend, clock) : adapterClock(backend);
}

function processorClock({ model }: CpuBackend, clock: Clock): StepClock {
  const kernels = new TimedKernels(model, clock);
  return {
    async time(step) {
      kernels.take();
      const started = clock();
      await step();
      const whole = clock() - started;
      const parts = kernels.take();
      const computed = parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
      return [...parts, { name: "everything else", calls: 1, milliseconds: whole - computed }];
    },
  };
}

function adapterClock({ gpu, recorder }: WebGpuBackend): StepClock | undefined {
  const profiler = Profiler.create(gpu);
  if (profiler === undefined) return undefined;
  recorder.profiler = profiler;
  return {
    async time(step) {
      await step();
      return (await profiler.read()).map(({ name, dispatches, milliseconds }) => ({ name, calls: dispatches, milliseconds }));
    },
  };
}
