import type { Gpu } from "./device.ts";
import { deviceLost } from "./device.ts";

/** Copies `size` bytes of a buffer to JavaScript; waits for all work submitted before. For tests and reports, not for the loop. */
export async function readBuffer(gpu: Gpu, source: GPUBuffer, offset = 0, size = source.size - offset): Promise<ArrayBuffer> {
  const readable = gpu.createBuffer("read back", size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
  try {
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, offset, readable, 0, size);
    gpu.device.queue.submit([encoder.finish()]);
    await mapForReading(readable, size);
    return readable.getMappedRange(0, size).slice(0);
  } finally {
    gpu.destroyBuffer(readable);
  }
}

/** `mapAsync` whose failure, which means that the device is gone, is a `device-lost`. */
export async function mapForReading(buffer: GPUBuffer, size: number): Promise<void> {
  try {
    await buffer.mapAsync(GPUMapMode.READ, 0, size);
  } catch (cause) {
    throw deviceLost(cause instanceof Error ? cause.message : String(cause));
  }
}

/** Resolves when everything submitted so far is done. */
export async function settled(gpu: Gpu): Promise<void> {
  await gpu.device.queue.onSubmittedWorkDone();
}
