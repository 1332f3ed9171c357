import { LongtabError } from "@longtab/errors";
import type { Gpu } from "./device.ts";
import type { Access, Bound, Constants, Kernel, StorageBinding, UniformSlot, Workgroups } from "./kernel.ts";
import type { Profiler } from "./profiler.ts";
import type { Step } from "./step.ts";

/** Dynamic uniform offsets must be multiples of this (minUniformBufferOffsetAlignment by default). */
const slotBytes = 256;
const ringSlots = 64;
/** Bind groups live as long as their buffers; past this many the cache starts over, which costs one slow step. */
const maxBindGroups = 8192;

interface Compiled {
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
}

export interface PipelineRequest {
  kernel: Kernel;
  constants: Record<string, number>;
}

/**
 * Turns kernels into pipelines once, and steps into one compute pass and one submit each.
 * With a profiler every dispatch gets a pass of its own, because timestamps are taken at the ends of passes.
 */
export class Recorder {
  readonly gpu: Gpu;
  profiler: Profiler | undefined;
  /** Dispatches of the last submitted step. */
  dispatches = 0;
  #pipelines = new Map<string, Compiled>();
  #layouts = new Map<string, GPUBindGroupLayout>();
  #modules = new Map<string, GPUShaderModule>();
  #bindGroups = new Map<string, GPUBindGroup>();
  #bufferIds = new WeakMap<GPUBuffer, number>();
  #nextBufferId = 1;
  #ring: GPUBuffer;
  #ringData = new Uint8Array(slotBytes * ringSlots);
  #nextSlot = 0;

  constructor(gpu: Gpu) {
    this.gpu = gpu;
    this.#ring = gpu.createBuffer("uniform ring", slotBytes * ringSlots, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  }

  /** Compiles every pipeline that `record` would use, without running it. Throws `shader-failed`. */
  async prepare(record: (step: Step) => void, onProgress?: (done: number, total: number) => void): Promise<void> {
    const collector = new PipelineCollector(this.#ring);
    record(collector);
    const missing = [...collector.requests].filter(([key]) => !this.#pipelines.has(key));
    let done = 0;
    onProgress?.(done, missing.length);
    await Promise.all(
      missing.map(async ([key, { kernel, constants }]) => {
        const { layout, descriptor } = this.#describe(kernel, constants);
        const pipeline = await this.gpu.device.createComputePipelineAsync(descriptor).catch((cause: unknown) => {
          throw new LongtabError({
            code: "shader-failed",
            what: `The shader ${kernel.name} does not compile on this GPU`,
            remedy: "update the browser and the graphics driver",
            cause,
          });
        });
        this.#pipelines.set(key, { pipeline, layout });
        onProgress?.(++done, missing.length);
      }),
    );
  }

  /**
   * Records a step and submits it. `before` and `after` record copies around the compute pass (uploads need none:
   * `queue.writeBuffer` is ordered with submits).
   */
  submit(record: (step: Step) => void, after?: (encoder: GPUCommandEncoder) => void): void {
    const { device } = this.gpu;
    const encoder = device.createCommandEncoder();
    const step = new RecordedStep(this, encoder);
    record(step);
    step.end();
    after?.(encoder);
    this.dispatches = step.dispatches;
    device.queue.submit([encoder.finish()]);
  }

  /** For RecordedStep: the pipeline, compiled on the spot when `prepare` did not see it coming. */
  pipeline(kernel: Kernel, constants: Record<string, number>): Compiled {
    const key = pipelineKey(kernel, constants);
    const found = this.#pipelines.get(key);
    if (found) return found;
    const { layout, descriptor } = this.#describe(kernel, constants);
    const compiled = { pipeline: this.gpu.device.createComputePipeline(descriptor), layout };
    this.#pipelines.set(key, compiled);
    return compiled;
  }

  /** For RecordedStep. */
  bindGroup(kernel: Kernel, layout: GPUBindGroupLayout, buffers: Record<string, StorageBinding>): GPUBindGroup {
    let key = layoutKey(kernel);
    for (const [name, access] of Object.entries(kernel.bindings)) {
      const binding = boundBuffer(kernel, buffers, name);
      // A uniform's offset is dynamic, so it does not tell bind groups apart.
      key +=
        access === "uniform" ? ` ${this.#id(binding.buffer)}` : ` ${this.#id(binding.buffer)}+${binding.offset ?? 0}:${binding.size ?? ""}`;
    }
    const found = this.#bindGroups.get(key);
    if (found) return found;
    if (this.#bindGroups.size >= maxBindGroups) this.#bindGroups.clear();
    const entries = Object.entries(kernel.bindings).map(([name, access], index) => {
      const { buffer, offset = 0, size } = boundBuffer(kernel, buffers, name);
      const resource: GPUBufferBinding =
        access === "uniform" ? { buffer, size: slotBytes } : size === undefined ? { buffer, offset } : { buffer, offset, size };
      return { binding: index, resource };
    });
    const group = this.gpu.device.createBindGroup({ label: kernel.name, layout, entries });
    this.#bindGroups.set(key, group);
    return group;
  }

  /** For RecordedStep. Slots are reused after a full turn; queue order keeps earlier submits safe, a step must use fewer than the ring has. */
  writeUniform(data: ArrayBufferView<ArrayBuffer>): UniformSlot {
    if (data.byteLength > slotBytes)
      throw new LongtabError({ code: "internal", what: "A uniform is larger than its slot", value: data.byteLength, limit: slotBytes });
    const offset = (this.#nextSlot++ % ringSlots) * slotBytes;
    this.#ringData.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    this.gpu.device.queue.writeBuffer(this.#ring, offset, this.#ringData, offset, Math.ceil(data.byteLength / 4) * 4);
    return { buffer: this.#ring, offset };
  }

  #id(buffer: GPUBuffer): number {
    let id = this.#bufferIds.get(buffer);
    if (id === undefined) this.#bufferIds.set(buffer, (id = this.#nextBufferId++));
    return id;
  }

  #describe(kernel: Kernel, constants: Record<string, number>): { layout: GPUBindGroupLayout; descriptor: GPUComputePipelineDescriptor } {
    const { device } = this.gpu;
    const key = layoutKey(kernel);
    let layout = this.#layouts.get(key);
    if (!layout) {
      const entries = Object.values(kernel.bindings).map((access, binding): GPUBindGroupLayoutEntry => {
        const buffer: GPUBufferBindingLayout =
          access === "uniform"
            ? { type: "uniform", hasDynamicOffset: true }
            : { type: access === "read" ? "read-only-storage" : "storage" };
        return { binding, visibility: GPUShaderStage.COMPUTE, buffer };
      });
      this.#layouts.set(key, (layout = device.createBindGroupLayout({ label: kernel.name, entries })));
    }
    let module = this.#modules.get(kernel.source);
    if (!module) this.#modules.set(kernel.source, (module = device.createShaderModule({ label: kernel.name, code: kernel.source })));
    const descriptor = {
      label: kernel.name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, constants },
    };
    return { layout, descriptor };
  }
}

class RecordedStep implements Step {
  dispatches = 0;
  #recorder: Recorder;
  #encoder: GPUCommandEncoder;
  #pass: GPUComputePassEncoder | undefined;
  #pipeline: GPUComputePipeline | undefined;

  constructor(recorder: Recorder, encoder: GPUCommandEncoder) {
    this.#recorder = recorder;
    this.#encoder = encoder;
  }

  uniform(data: ArrayBufferView<ArrayBuffer>): UniformSlot {
    return this.#recorder.writeUniform(data);
  }

  run<Bindings extends Record<string, Access>, Constant extends string>(
    kernel: Kernel<Bindings, Constant>,
    buffers: Bound<Bindings>,
    constants: Constants<Constant>,
    [x, y = 1, z = 1]: Workgroups,
  ): void {
    const { pipeline, layout } = this.#recorder.pipeline(kernel, constants);
    const group = this.#recorder.bindGroup(kernel, layout, buffers);
    const pass = this.#openPass(kernel.name);
    if (pipeline !== this.#pipeline) pass.setPipeline((this.#pipeline = pipeline));
    const offsets = Object.entries(kernel.bindings).flatMap(([name, access]) =>
      access === "uniform" ? [boundBuffer(kernel, buffers, name).offset ?? 0] : [],
    );
    pass.setBindGroup(0, group, offsets);
    pass.dispatchWorkgroups(x, y, z);
    this.dispatches++;
    if (this.#recorder.profiler) this.end();
  }

  end(): void {
    this.#pass?.end();
    this.#pass = undefined;
    this.#pipeline = undefined;
  }

  #openPass(name: string): GPUComputePassEncoder {
    const timestampWrites = this.#recorder.profiler?.nextPass(name);
    this.#pass ??= this.#encoder.beginComputePass(timestampWrites ? { timestampWrites } : undefined);
    return this.#pass;
  }
}

/** A step that runs nothing and notes the pipelines it would need. */
class PipelineCollector implements Step {
  readonly requests = new Map<string, PipelineRequest>();
  #ring: GPUBuffer;

  constructor(ring: GPUBuffer) {
    this.#ring = ring;
  }

  run(kernel: Kernel, _buffers: unknown, constants: Record<string, number>): void {
    this.requests.set(pipelineKey(kernel, constants), { kernel, constants });
  }

  uniform(): UniformSlot {
    return { buffer: this.#ring, offset: 0 };
  }
}

function boundBuffer(
  kernel: Kernel,
  buffers: Record<string, StorageBinding>,
  name: string,
): { buffer: GPUBuffer; offset?: number; size?: number } {
  const bound = buffers[name];
  if (!bound) throw new LongtabError({ code: "internal", what: `The kernel ${kernel.name} was run without its buffer ${name}` });
  return "buffer" in bound ? bound : { buffer: bound };
}

function layoutKey(kernel: Kernel): string {
  return Object.values(kernel.bindings).join();
}

function pipelineKey(kernel: Kernel, constants: Record<string, number>): string {
  let key = kernel.name;
  for (const name of kernel.constants) key += ` ${name}=${constants[name]}`;
  return key;
}
