import { setFlagsFromString } from "node:v8";
import { fileURLToPath } from "node:url";
import type { ContextOptions } from "@longtab/attention";
import type { CpuBackend } from "@longtab/cpu";
import { loadCpuBackend } from "@longtab/cpu";
import { nodeHost } from "@longtab/cpu/node";
import type { WebGpuBackend } from "@longtab/engine";
import { loadWebGpuBackend } from "@longtab/engine";
import type { ByteSource, ModelFile } from "@longtab/formats";
import { parseGguf } from "@longtab/formats";
import { FileSource } from "@longtab/formats/node";
import { openDevice } from "@longtab/gpu";
import { readConfig } from "@longtab/model";
import type { ModelConfig } from "@longtab/model";
import { Tokenizer } from "@longtab/tokenizer";
import { create, globals } from "webgpu";

/** What a model runs on in Node: a graphics card, or the processor with one of its instruction sets. */
export type Place = "webgpu" | Simd;
export type Simd = "relaxed" | "plain";

/** Dawn ends its devices when this object is collected. */
let gpu: GPU | undefined;

/** What Dawn offers in Node in place of a browser's `navigator.gpu`. */
export function nodeGpu(): GPU {
  Object.assign(globalThis, globals);
  gpu ??= create([]);
  return gpu;
}

/** Opens the adapter that Dawn finds in Node. */
export async function openNodeDevice(): ReturnType<typeof openDevice> {
  return openDevice({ gpu: nodeGpu() });
}

/** Compiled by scripts/build-kernels.mjs; from bench/dist/, where this program is built. */
const kernelsFolder = fileURLToPath(new URL("../../packages/cpu/wasm", import.meta.url));

export interface OpenOptions {
  contextLength: number;
  /** Default: dense. */
  context?: ContextOptions | undefined;
  /** Of the processor; as many as there are cores unless told. */
  threads?: number | undefined;
  onProgress?: (progress: { phase: string }) => void;
}

export interface Opened<Kind> {
  backend: Kind;
  tokenizer: Tokenizer;
}

/** Loads a file as the command-line tool does, tokeniser included. */
export async function openBackend(path: string, place: Place, options: OpenOptions): Promise<Opened<WebGpuBackend | CpuBackend>> {
  return place === "webgpu" ? openWebGpu(path, options) : openCpu(path, place, options);
}

export async function openWebGpu(path: string, options: OpenOptions): Promise<Opened<WebGpuBackend>> {
  return open(path, async (file, source) => loadWebGpuBackend(await openNodeDevice(), file, source, options));
}

export async function openCpu(path: string, simd: Simd, options: OpenOptions): Promise<Opened<CpuBackend>> {
  // Node 20 has these instructions behind a flag; later ones have them anyway.
  if (simd === "relaxed") setFlagsFromString("--experimental-wasm-relaxed-simd");
  const host = { ...nodeHost(kernelsFolder), simd };
  return open(path, async (file, source) => loadCpuBackend(file, source, { ...options, host }));
}

async function open<Kind>(path: string, load: (file: ModelFile, source: ByteSource) => Promise<Kind>): Promise<Opened<Kind>> {
  const source = await FileSource.open(path);
  try {
    const file = await parseGguf(source);
    const tokenizer = Tokenizer.fromMetadata(file.metadata);
    return { backend: await load(file, source), tokenizer };
  } finally {
    await source.close();
  }
}

/** What the file says of the model. */
export async function readModelConfig(path: string): Promise<ModelConfig> {
  return (await open(path, async (file) => readConfig(file))).backend;
}

/** The tokeniser alone. */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  return (await open(path, async () => undefined)).tokenizer;
}
