import { LongtabError } from "@longtab/errors";

export interface OpenDeviceOptions {
  /** Defaults to `navigator.gpu`; in Node, `create([])` of the npm package `webgpu`. */
  gpu?: Pick<GPU, "requestAdapter"> | undefined;
  powerPreference?: GPUPowerPreference;
  /** Ask for default limits only, as on the smallest devices: 128 MiB bindings, no optional feature. For tests. */
  defaultLimits?: boolean;
}

/** What the adapter is and offers, as plain data: for the page, for reports, for choosing kernels. */
export interface AdapterReport {
  vendor: string;
  architecture: string;
  description: string;
  /** A CPU plays the GPU (SwiftShader, lavapipe, WARP): correct, and slow. */
  software: boolean;
  features: { shaderF16: boolean; subgroups: boolean; timestamps: boolean };
  /** Lanes of the smallest subgroup that the adapter may form; 0 where it does not tell. */
  subgroupMinSize: number;
  limits: {
    maxBufferSize: number;
    maxStorageBufferBindingSize: number;
    maxComputeWorkgroupStorageSize: number;
    maxComputeInvocationsPerWorkgroup: number;
  };
}

/** An open device. Everything that Longtab allocates on it goes through `createBuffer`, so `allocatedBytes` is the truth. */
export interface Gpu {
  readonly device: GPUDevice;
  readonly report: AdapterReport;
  /** Resolves once, with `device-lost`, when the device is gone; never when `dispose` ended it. */
  readonly lost: Promise<LongtabError>;
  readonly allocatedBytes: number;
  /** Allocates zeroed memory. Throws `device-limit` when `size` exceeds the device's largest buffer. */
  createBuffer(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer;
  destroyBuffer(buffer: GPUBuffer): void;
  /** Runs allocations and throws `out-of-memory` when the driver refused one of them. */
  allocating<T>(what: string, allocate: () => T): Promise<T>;
  dispose(): void;
}

const wantedFeatures: GPUFeatureName[] = ["timestamp-query", "shader-f16", "subgroups"];
const wantedLimits = ["maxBufferSize", "maxStorageBufferBindingSize"] as const;

/** Opens the best adapter. Throws `webgpu-unavailable` with the reason and a remedy when there is none. */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<Gpu> {
  const adapter = await requestAdapter(options);
  const report = reportAdapter(adapter);
  const requiredFeatures = options.defaultLimits ? [] : wantedFeatures.filter((name) => adapter.features.has(name));
  const requiredLimits = options.defaultLimits ? {} : Object.fromEntries(wantedLimits.map((name) => [name, adapter.limits[name]]));
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ label: "longtab", requiredFeatures, requiredLimits });
  } catch (cause) {
    throw new LongtabError({
      code: "webgpu-unavailable",
      what: "The GPU refused to open a device",
      remedy: "close other tabs that use the GPU and reload",
      cause,
    });
  }
  return new OpenGpu(device, { ...report, limits: pickLimits(device.limits), features: pickFeatures(device.features) });
}

async function requestAdapter({ gpu, powerPreference = "high-performance" }: OpenDeviceOptions): Promise<GPUAdapter> {
  const entry = gpu ?? (typeof navigator === "undefined" ? undefined : navigator.gpu);
  if (!entry) {
    throw new LongtabError({
      code: "webgpu-unavailable",
      what: "This browser does not offer WebGPU to this page",
      remedy: "use a current Chrome, Edge, Firefox or Safari, over https or localhost",
    });
  }
  const adapter = (await entry.requestAdapter({ powerPreference })) ?? (await entry.requestAdapter());
  if (!adapter) {
    throw new LongtabError({
      code: "webgpu-unavailable",
      what: "WebGPU is there, but it found no usable graphics adapter",
      remedy: "turn on hardware acceleration in the browser's settings and update the graphics driver",
    });
  }
  return adapter;
}

/** Reads what an adapter says about itself. */
export function reportAdapter(adapter: GPUAdapter): AdapterReport {
  const { vendor, architecture, description, isFallbackAdapter, subgroupMinSize = 0 } = adapter.info;
  // Drivers that are a CPU but do not call themselves a fallback: Mesa's llvmpipe/lavapipe, SwiftShader, Microsoft's WARP.
  const software =
    isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render|\bwarp\b/i.test(`${vendor} ${architecture} ${description}`);
  return {
    vendor,
    architecture,
    description,
    software,
    subgroupMinSize,
    features: pickFeatures(adapter.features),
    limits: pickLimits(adapter.limits),
  };
}

function pickFeatures(features: GPUSupportedFeatures): AdapterReport["features"] {
  return { shaderF16: features.has("shader-f16"), subgroups: features.has("subgroups"), timestamps: features.has("timestamp-query") };
}

function pickLimits(limits: GPUSupportedLimits): AdapterReport["limits"] {
  const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = limits;
  return { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup };
}

class OpenGpu implements Gpu {
  readonly device: GPUDevice;
  readonly report: AdapterReport;
  readonly lost: Promise<LongtabError>;
  #sizes = new Map<GPUBuffer, number>();
  #allocated = 0;
  #disposed = false;

  constructor(device: GPUDevice, report: AdapterReport) {
    this.device = device;
    this.report = report;
    this.lost = new Promise((resolve) => {
      void device.lost.then((info) => {
        if (this.#disposed) return;
        resolve(deviceLost(info.message || info.reason));
      });
    });
  }

  get allocatedBytes(): number {
    return this.#allocated;
  }

  createBuffer(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const limit = this.report.limits.maxBufferSize;
    if (size > limit)
      throw new LongtabError({
        code: "device-limit",
        what: `The buffer "${label}" is larger than this GPU allows`,
        value: size,
        limit,
        remedy: "choose a smaller model or a shorter context",
      });
    // Sizes that are not a multiple of 4 cannot be written or copied.
    const padded = Math.max(4, Math.ceil(size / 4) * 4);
    const buffer = this.device.createBuffer({ label, size: padded, usage });
    this.#sizes.set(buffer, padded);
    this.#allocated += padded;
    return buffer;
  }

  destroyBuffer(buffer: GPUBuffer): void {
    this.#allocated -= this.#sizes.get(buffer) ?? 0;
    this.#sizes.delete(buffer);
    buffer.destroy();
  }

  async allocating<T>(what: string, allocate: () => T): Promise<T> {
    this.device.pushErrorScope("out-of-memory");
    let result: T;
    try {
      result = allocate();
    } catch (error) {
      await this.device.popErrorScope();
      throw error;
    }
    const refusal = await this.device.popErrorScope();
    if (!refusal) return result;
    throw new LongtabError({
      code: "out-of-memory",
      what: `The GPU has no memory left for ${what}`,
      value: this.#allocated,
      remedy: "close other tabs, or choose a smaller model or a shorter context",
      cause: refusal,
    });
  }

  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.#sizes.keys()) buffer.destroy();
    this.#sizes.clear();
    this.#allocated = 0;
    this.device.destroy();
  }
}

export function deviceLost(reason: string): LongtabError {
  return new LongtabError({
    code: "device-lost",
    what: `The graphics device was lost: ${reason}`,
    remedy: "load the model again; stored weights and conversations are kept",
  });
}
