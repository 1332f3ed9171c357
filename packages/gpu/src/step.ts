import type { Access, Bound, Constants, Kernel, UniformSlot, Workgroups } from "./kernel.ts";

/**
 * Records the work of one step. `run` never waits and never allocates buffers; order of calls is order of execution, and each
 * dispatch sees what those before it wrote.
 */
export interface Step {
  run<Bindings extends Record<string, Access>, Constant extends string>(
    kernel: Kernel<Bindings, Constant>,
    buffers: Bound<Bindings>,
    constants: Constants<Constant>,
    workgroups: Workgroups,
  ): void;
  /** Places up to 256 bytes in the uniform ring for this step; written when the step is submitted. */
  uniform(data: ArrayBufferView<ArrayBuffer>): UniformSlot;
}
