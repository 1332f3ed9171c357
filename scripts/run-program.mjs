import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buildKernels } from "./build-kernels.mjs";
import { fingerprint, root, scratch, whenChanged } from "./workspace.mjs";

/** Packages that stay imports of the built program: native code, and what a machine need not have. */
const EXTERNAL = ["webgpu", "onnxruntime-web", "playwright", "@playwright/test", "node-llama-cpp", "@wllama/wllama"];

/**
 * Builds a program of the workspace for Node, in a second or so and only when its sources have changed.
 * @param {string} folder such as "apps/cli", whose src/main.ts it is
 * @returns {Promise<string>} the script to run, beside the program's node_modules so that its imports resolve
 */
export async function buildProgram(folder) {
  const outDir = join(root, folder, "dist");
  const script = join(outDir, "main.js");
  await buildKernels();
  const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}/src`);
  await whenChanged({
    stamp: join(scratch, `built-${folder.replaceAll("/", "-")}`),
    key: fingerprint(["pnpm-lock.yaml", "shaders", folder, ...packages, "packages/attention/head-maps", "scripts/run-program.mjs"]),
    product: script,
    make: async () => {
      const { build } = await import("vite");
      await build({
        root: join(root, folder),
        configFile: false,
        logLevel: "silent",
        build: {
          ssr: "src/main.ts",
          outDir,
          emptyOutDir: true,
          target: "node20",
          minify: false,
          rolldownOptions: { output: { entryFileNames: "main.js" } },
        },
        ssr: { noExternal: true, external: EXTERNAL },
      });
    },
  });
  return script;
}

/**
 * Runs a built program in this one's place: its arguments, input, output, signals and exit status are ours.
 * @param {string} script @param {string[]} args @param {Record<string, string>} env
 */
export function runProgram(script, args, env) {
  // npm runs scripts in the repository's folder, and paths on the command line are meant from where the person is.
  const cwd = process.env["INIT_CWD"] ?? process.cwd();
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  // Ctrl-C reaches the child by itself; a signal to this process alone is passed on. Either way the child decides how to end.
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
    process.on(signal, () => process.stdin.isTTY || child.kill(signal));
  child.on("exit", (status, signal) => process.exit(status ?? (signal === "SIGINT" ? 130 : 143)));
}
