import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import type { CpuHost, Thread, ThreadInit } from "../src/host.ts";
import { Heap } from "../src/heap.ts";
import { compileKernels, instantiateKernels, kernelsName } from "../src/kernels.ts";
import type { Kernels } from "../src/kernels.ts";
import { nodeHost } from "../src/node.ts";
import { Team } from "../src/team.ts";

// Node 20 has relaxed SIMD behind a flag; later ones have it anyway.
setFlagsFromString("--experimental-wasm-relaxed-simd");

export const host = nodeHost(join(import.meta.dirname, "../wasm"));

/** The same, as on an engine that has these instructions. */
export function hostOf(simd: "relaxed" | "plain"): CpuHost {
  return { ...host, simd };
}

export interface WatchedHost extends CpuHost {
  /** Those started so far. */
  readonly threads: readonly (Thread & { readonly ended: boolean })[];
}

/** A host with four cores, or with changes, whose threads can be seen. */
export function watchedHost(changes: Partial<CpuHost> = {}): WatchedHost {
  const threads: (Thread & { ended: boolean })[] = [];
  const startThread = (init: ThreadInit): Thread => {
    const thread = host.startThread(init);
    const watched = {
      failed: thread.failed,
      ended: false,
      terminate: () => {
        watched.ended = true;
        thread.terminate();
      },
    };
    threads.push(watched);
    return watched;
  };
  return { ...host, cores: 4, startThread, ...changes, threads };
}

export interface OpenKernels {
  heap: Heap;
  kernels: Kernels;
  team: Team;
}

/** The kernels of one build on a memory of their own. */
export async function openKernels(simd: "relaxed" | "plain", threads = 1, limit = 64 * 2 ** 20): Promise<OpenKernels> {
  const shared = threads > 1;
  const module = await compileKernels(await host.loadKernels(kernelsName(simd, shared)));
  const heap = new Heap(limit, shared);
  const kernels = await instantiateKernels(module, heap.memory);
  return { heap, kernels, team: new Team(host, module, heap.memory, kernels, threads - 1) };
}
