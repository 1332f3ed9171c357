export { openDevice, reportAdapter, deviceLost } from "./device.ts";
export type { AdapterReport, Gpu, OpenDeviceOptions } from "./device.ts";
export { defineKernel } from "./kernel.ts";
export type { Access, Bound, Constants, Kernel, KernelDefinition, StorageBinding, UniformSlot, Workgroups } from "./kernel.ts";
export type { Step } from "./step.ts";
export { Recorder } from "./recorder.ts";
export { Profiler } from "./profiler.ts";
export type { KernelTime } from "./profiler.ts";
export { mapForReading, readBuffer, settled } from "./readback.ts";
