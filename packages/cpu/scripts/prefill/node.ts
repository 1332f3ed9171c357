import { FileSource } from "@longtab/formats/node";
import { fileURLToPath } from "node:url";
import * as runtime from "onnxruntime-web";
import { nodeHost } from "../../src/node.ts";
import { contest } from "./contest.ts";
import type { ContestResult } from "./contest.ts";

export async function run({
  model,
  ...options
}: {
  model: string;
  threads: number;
  rows: number;
  rounds: number;
}): Promise<ContestResult & { memory: string }> {
  const memories = watchMemories();
  const source = await FileSource.open(model);
  const host = nodeHost(fileURLToPath(new URL("../../wasm", import.meta.url)));
  const result = await contest({
    source,
    host, // Vite has stopped to import modules by now.
    onnxRuntime: { shared: true, load: () => Promise.resolve(runtime) },
    ...options,
  });
  const sizes = memories.map(({ buffer }) => `${(buffer.byteLength / 1e6).toFixed(0)} MB`);
  return { ...result, memory: `WebAssembly memories: ${sizes.join(", ")}; resident ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB` };
}

/** Every WebAssembly memory that is made from now on. */
function watchMemories(): WebAssembly.Memory[] {
  const made: WebAssembly.Memory[] = [];
  WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
    construct(target, [descriptor]: [WebAssembly.MemoryDescriptor]) {
      const memory = new target(descriptor);
      made.push(memory);
      return memory;
    },
  });
  return made;
}
