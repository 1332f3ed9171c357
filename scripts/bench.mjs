// npm run bench [-- ...]     the benchmark (bench/), installed and built where needed; the model is fetched once.

import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { findBrowser } from "./browser.mjs";
import { fetchModel } from "./fetch-model.mjs";
import { installDependencies } from "./install.mjs";
import { installPeers, peersFolder } from "./peers.mjs";
import { buildProgram, runProgram } from "./run-program.mjs";
import { findGpu } from "./software-gpu.mjs";
import { fingerprint, root, say, scratch, whenChanged } from "./workspace.mjs";

try {
  const args = process.argv.slice(2);
  await installDependencies();
  const script = await buildProgram("bench");
  if (args.includes("--help")) runProgram(script, args, {});
  else {
    if (args.includes("--install-peers")) await installPeers();
    await buildPages();
    const model = args.some((argument) => /^--model(=|$)/.test(argument)) ? {} : { LONGTAB_MODEL: await fetchModel() };
    const gpu = (await findGpu({ install: false })) ?? (await findGpu({ install: true }));
    const browser = await findBrowser();
    runProgram(script, args, { ...model, LONGTAB_PEERS: peersFolder(), ...(browser && { LONGTAB_BROWSER: browser }), ...gpu?.env });
  }
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

/** Builds the pages that are measured in a browser, beside the program that opens them. */
async function buildPages() {
  const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}/src`);
  const outDir = join(root, "bench/dist/page");
  await whenChanged({
    stamp: join(scratch, "built-bench-page"),
    key: fingerprint(["pnpm-lock.yaml", "shaders", "bench/page", "bench/src/phase-times.ts", ...packages, "scripts/bench.mjs"]),
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
