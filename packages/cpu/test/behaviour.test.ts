import { describeAway, describeAwayDisk, describeBackend } from "@longtab/engine/testing";
import type { TestedBackend } from "@longtab/engine/testing";
import { loadCpuBackend } from "../src/index.ts";
import type { CpuBackend } from "../src/index.ts";
import { host } from "./kernels.ts";

/** The CPU backend with so many threads. */
function cpu(threads: number): TestedBackend<CpuBackend> {
  return {
    load: async (file, source, options) => loadCpuBackend(file, source, { ...options, host, threads }),
    shortenChunks: (backend) => void (backend.promptRows = 8),
    // Row by row the bits are the same, however many rows run together.
    tolerance: 0,
  };
}

describeBackend("the CPU with one thread", cpu(1));
describeAway(cpu(2));
describeAwayDisk(cpu(2));
describeBackend("the CPU with two threads", cpu(2));
