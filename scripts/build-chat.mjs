import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buildKernels } from "./build-kernels.mjs";
import { run } from "./command.mjs";
import { fingerprint, root, say, scratch, tool, whenChanged } from "./workspace.mjs";

/** The folder of the built chat page. */
export const dist = join(root, "dist");

/** Builds the chat page into dist/ unless it is there and its sources have not changed since. */
export async function buildChat() {
  await buildKernels();
  const packages = readdirSync(join(root, "packages")).flatMap((name) => [`packages/${name}/src`, `packages/${name}/package.json`]);
  await whenChanged({
    stamp: join(scratch, "built-chat"),
    key: fingerprint([
      "vite.config.ts",
      "tsconfig.json",
      "pnpm-lock.yaml",
      "scripts/strip-shaders.mjs",
      "packages/cpu/assembly",
      "packages/attention/head-maps",
      "shaders",
      "apps/chat",
      ...packages,
    ]),
    product: join(dist, "index.html"),
    make: async () => {
      say("Building the page ...");
      const { status } = await run(process.execPath, [tool("vite"), "build", "--logLevel", "warn"], { output: "stderr", seconds: 300 });
      if (status !== 0) throw new Error("The page could not be built; what Vite printed above says why.");
    },
  });
}
