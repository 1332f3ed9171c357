import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildKernels } from "./build-kernels.mjs";
import { fingerprint, root, scratch, whenChanged } from "./workspace.mjs";

/** Builds the pages that are measured in a browser, beside the program that opens them. */
export async function buildBenchPages() {
  await buildKernels();
  const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}/src`);
  const outDir = join(root, "bench/dist/page");
  await whenChanged({
    stamp: join(scratch, "built-bench-page"),
    key: fingerprint([
      "pnpm-lock.yaml",
      "shaders",
      "packages/cpu/assembly",
      "packages/attention/head-maps",
      "bench/page",
      "bench/src",
      ...packages,
      "scripts/bench-pages.mjs",
    ]),
    product: join(outDir, "longtab.html"),
    make: async () => {
      const { build } = await import("vite");
      const folder = join(root, "bench/page");
      await build({
        root: folder,
        base: "./",
        configFile: false,
        logLevel: "silent",
        build: {
          outDir,
          emptyOutDir: true,
          target: "es2023",
          modulePreload: { polyfill: false },
          rolldownOptions: { input: ["longtab.html", "wllama.html"].map((page) => resolve(folder, page)) },
        },
        worker: { format: "es" },
      });
    },
  });
}
