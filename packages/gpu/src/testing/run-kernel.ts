import type { Gpu } from "../device.ts";
import type { Access, Bound, Constants, Kernel, StorageBinding, Workgroups } from "../kernel.ts";
import { readBuffer } from "../readback.ts";
import { Recorder } from "../recorder.ts";

type TypedArray = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

export interface KernelRun<Bindings extends Record<string, Access>, Constant extends string> {
  kernel: Kernel<Bindings, Constant>;
  constants: Constants<Constant>;
  workgroups: Workgroups;
  /** Contents of every binding, uniforms included. */
  inputs: { [Name in keyof Bindings]: TypedArray };
}

/** Runs one kernel once on fresh buffers and returns every read_write binding's bytes afterwards. */
export async function runKernel<Bindings extends Record<string, Access>, Constant extends string>(
  gpu: Gpu,
  { kernel, constants, workgroups, inputs }: KernelRun<Bindings, Constant>,
): Promise<Record<keyof Bindings, ArrayBuffer>> {
  const recorder = new Recorder(gpu);
  const buffers = new Map<string, GPUBuffer>();
  for (const [name, access] of Object.entries(kernel.bindings)) {
    const data = inputs[name as keyof Bindings];
    if (access === "uniform") continue;
    const buffer = gpu.createBuffer(name, data.byteLength, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
    if (data.byteLength > 0) gpu.device.queue.writeBuffer(buffer, 0, padded(data));
    buffers.set(name, buffer);
  }
  gpu.device.pushErrorScope("validation");
  recorder.submit((step) => {
    const bound: Record<string, StorageBinding> = Object.fromEntries(
      Object.entries(kernel.bindings).map(([name, access]) => [
        name,
        access === "uniform" ? step.uniform(inputs[name as keyof Bindings]) : (buffers.get(name) as GPUBuffer),
      ]),
    );
    step.run(kernel, bound as Bound<Bindings>, constants, workgroups);
  });
  const error = await gpu.device.popErrorScope();
  if (error) throw new Error(error.message);
  const results: Record<string, ArrayBuffer> = {};
  for (const [name, access] of Object.entries(kernel.bindings)) {
    const buffer = buffers.get(name);
    if (access === "read_write" && buffer) results[name] = await readBuffer(gpu, buffer);
  }
  for (const buffer of buffers.values()) gpu.destroyBuffer(buffer);
  return results as Record<keyof Bindings, ArrayBuffer>;
}

function padded(data: TypedArray): TypedArray {
  if (data.byteLength % 4 === 0) return data;
  const bytes = new Uint8Array(Math.ceil(data.byteLength / 4) * 4);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return bytes;
}
