import { LongtabError } from "@longtab/errors";
import { loadWebGpuBackend } from "@longtab/engine";
import type { WebGpuBackend } from "@longtab/engine";
import { parseGguf } from "@longtab/formats";
import type { ModelFile } from "@longtab/formats";
import { FileSource } from "@longtab/formats/node";
import { openDevice } from "@longtab/gpu";
import type { AdapterReport } from "@longtab/gpu";
import { create, globals } from "webgpu";

export interface OpenedModel {
  file: ModelFile;
  backend: WebGpuBackend;
  adapter: AdapterReport;
}

export interface OpenOptions {
  backend?: string | undefined;
  contextLength?: number | undefined;
}

/** Dawn ends its devices when this object is collected. */
let gpu: GPU | undefined;

/** A file's header, with the reason in words when it cannot be opened. */
export async function openFile(path: string): Promise<{ source: FileSource; file: ModelFile }> {
  const source = await FileSource.open(path).catch((cause: unknown) => {
    throw new LongtabError({
      code: "model-not-found",
      what: `The file cannot be opened`,
      value: path,
      remedy: cause instanceof Error ? cause.message : "check the path",
      cause,
    });
  });
  try {
    return { source, file: await parseGguf(source) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Loads a model file onto the GPU that Dawn finds. */
export async function openModel(path: string, { backend: name = "webgpu", contextLength }: OpenOptions): Promise<OpenedModel> {
  if (name !== "webgpu")
    throw new LongtabError({
      code: "invalid-option",
      what: "There is no such backend",
      value: name,
      limit: "webgpu",
      remedy: "leave --backend out",
    });
  const { source, file } = await openFile(path);
  try {
    Object.assign(globalThis, globals);
    gpu ??= create([]);
    const device = await openDevice({ gpu });
    const backend = await loadWebGpuBackend(device, file, source, { contextLength });
    return { file, backend, adapter: device.report };
  } finally {
    await source.close();
  }
}
