import { detectSimd } from "./features.ts";
import { Heap } from "./heap.ts";
import type { CpuHost } from "./host.ts";
import { compileKernels, instantiateKernels, kernelsName } from "./kernels.ts";
import type { Kernels } from "./kernels.ts";
import { maxThreads } from "./scratch.ts";
import { Team } from "./team.ts";

/** The kernels on a memory of their own, with a team to run them. */
export interface Started {
  heap: Heap;
  kernels: Kernels;
  team: Team;
  simd: "relaxed" | "plain";
}

export interface StartOptions {
  host: CpuHost;
  /** Default: as many as there are cores. Never more than that, and one where memory cannot be shared. */
  threads?: number | undefined;
  /** Bytes that the memory may grow to. */
  limit: number;
}

/** @throws LongtabError `wasm-unavailable`, `wasm-blocked`, `out-of-memory`, and what `host.loadKernels` throws. */
export async function start({ host, threads, limit }: StartOptions): Promise<Started> {
  const simd = host.simd ?? detectSimd();
  const wanted = host.shared ? Math.max(1, Math.min(threads ?? host.cores, host.cores, maxThreads)) : 1;
  const shared = wanted > 1;
  const module = await compileKernels(await host.loadKernels(kernelsName(simd, shared)));
  const heap = new Heap(limit, shared);
  const kernels = await instantiateKernels(module, heap.memory);
  return { heap, kernels, simd, team: new Team(host, module, heap.memory, kernels, wanted - 1) };
}
