import { create, globals } from "webgpu";
import { openDevice } from "../device.ts";
import type { Gpu, OpenDeviceOptions } from "../device.ts";

Object.assign(globalThis, globals);

/** "null" validates shaders and pipelines without a driver; the default runs on the Vulkan, Metal or D3D driver that Dawn finds. */
export type TestBackend = "default" | "null";

let shared: Promise<Gpu> | undefined;

/** The GPU object that keeps devices alive; Dawn ends them when it is collected. */
const entries = new Map<TestBackend, GPU>();

export function testBackend(backend: TestBackend = "default"): GPU {
  const entry = entries.get(backend) ?? create(backend === "null" ? ["backend=null"] : []);
  entries.set(backend, entry);
  return entry;
}

/** One device for a whole test process: destroying a software device breaks those opened after it. */
export function openTestGpu(options: OpenDeviceOptions = {}): Promise<Gpu> {
  if (Object.keys(options).length > 0) return openDevice({ gpu: testBackend(), ...options });
  shared ??= openDevice({ gpu: testBackend() });
  return shared;
}
