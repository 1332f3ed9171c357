import type { LoadProgress, WebGpuBackend } from "@longtab/engine";
import { loadWebGpuBackend } from "@longtab/engine";
import { parseGguf } from "@longtab/formats";
import { FileSource } from "@longtab/formats/node";
import { openDevice } from "@longtab/gpu";
import { Tokenizer } from "@longtab/tokenizer";
import { create, globals } from "webgpu";

/** Dawn ends its devices when this object is collected. */
let gpu: GPU | undefined;

/** Opens the adapter that Dawn finds in Node. */
export async function openNodeDevice(): ReturnType<typeof openDevice> {
  Object.assign(globalThis, globals);
  gpu ??= create([]);
  return openDevice({ gpu });
}

export interface OpenedBackend {
  backend: WebGpuBackend;
  tokenizer: Tokenizer;
}

/** Loads a file as the command-line tool does, tokeniser included. */
export async function openBackend(
  path: string,
  contextLength: number,
  onProgress: (progress: LoadProgress) => void = () => {},
): Promise<OpenedBackend> {
  const source = await FileSource.open(path);
  try {
    const file = await parseGguf(source);
    const tokenizer = Tokenizer.fromMetadata(file.metadata);
    const device = await openNodeDevice();
    return { backend: await loadWebGpuBackend(device, file, source, { contextLength, onProgress }), tokenizer };
  } finally {
    await source.close();
  }
}

/** The tokeniser alone. */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  const source = await FileSource.open(path);
  try {
    return Tokenizer.fromMetadata((await parseGguf(source)).metadata);
  } finally {
    await source.close();
  }
}
