// node scripts/build-kernels.mjs     compiles the CPU kernels (packages/cpu/assembly) where their sources have changed.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { run } from "./command.mjs";
import { fingerprint, root, say, scratch, tool, whenChanged } from "./workspace.mjs";

const folder = join(root, "packages/cpu");

/** A build for each kind of engine: with and without relaxed SIMD, with memory that threads share and without. */
const builds = [
  { name: "kernels", features: "simd" },
  { name: "kernels-relaxed", features: "simd,relaxed-simd" },
  { name: "kernels-threads", features: "simd,threads" },
  { name: "kernels-relaxed-threads", features: "simd,relaxed-simd,threads" },
];

/** Compiles packages/cpu/assembly into packages/cpu/wasm; a few seconds when something has changed, nothing otherwise. */
export async function buildKernels() {
  await whenChanged({
    stamp: join(scratch, "built-kernels"),
    key: fingerprint(["packages/cpu/assembly", "scripts/build-kernels.mjs", "pnpm-lock.yaml"]),
    product: join(folder, "wasm/kernels.wasm"),
    make: async () => {
      say("Compiling the CPU kernels ...");
      mkdirSync(join(folder, "wasm"), { recursive: true });
      await Promise.all(builds.map(compile));
    },
  });
}

/** @param {{ name: string, features: string }} build */
async function compile({ name, features }) {
  const shared = features.includes("threads");
  const memory = ["--importMemory", "--noExportMemory", "--initialMemory", "1", "--maximumMemory", "65536"];
  // 112: values of 128 bits cannot cross into JavaScript; they do not.
  const args = ["assembly/index.ts", "-O3", "--noAssert", "--runtime", "stub", "--disableWarning", "112", ...memory];
  const { status } = await run(
    process.execPath,
    [tool("asc"), ...args, ...(shared ? ["--sharedMemory"] : []), "--enable", features, "-o", `wasm/${name}.wasm`],
    { output: "stderr", cwd: folder, seconds: 300 },
  );
  if (status !== 0) throw new Error(`The CPU kernels could not be compiled (${name}); what the compiler printed above says why.`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await buildKernels().catch((/** @type {unknown} */ error) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
