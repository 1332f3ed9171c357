import { defineConfig } from "vitest/config";

/** Two projects: `unit` needs nothing but Node; `gpu` needs a WebGPU adapter (real or software) through the npm package `webgpu`. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{packages,apps,bench,scripts}/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/*.gpu.test.ts"],
          // A limit against hanging, not a measurement: two slow cores may run two files and a compiler at once.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "gpu",
          include: ["{packages,apps,bench}/**/*.gpu.test.ts"],
          exclude: ["**/node_modules/**"],
          // One process, one device: destroying a software device that others share breaks theirs.
          pool: "forks",
          maxWorkers: 1,
          isolate: false,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
