// npm run longtab -- VERB ...     the command-line tool (apps/cli), installed and built where needed.

import { parseArgs } from "node:util";
import { installDependencies } from "./install.mjs";
import { buildProgram, runProgram } from "./run-program.mjs";
import { findGpu, findOwnGpu } from "./software-gpu.mjs";
import { say } from "./workspace.mjs";

/** Verbs that run the model; the others need no GPU and start faster without looking for one. */
const MODEL_VERBS = new Set(["generate", "score", "eval", "calibrate"]);

/**
 * Who chooses WebGPU gets it, on a processor that plays a GPU where there is none: what is there is enough, a driver is installed only where there
 * is none. Left to itself the tool takes a real graphics card or the processor; looking for one happens here, in a process of its own, because
 * a broken driver may end the process that asks.
 * @param {string[]} args
 * @returns {Promise<Record<string, string>>} for the tool's environment
 */
async function prepareGpu(args) {
  const { values } = parseArgs({ args: args.slice(1), options: { backend: { type: "string", default: "auto" } }, strict: false });
  if (!MODEL_VERBS.has(args[0] ?? "") || args.includes("--help")) return {};
  if (values.backend === "webgpu") {
    const gpu = (await findGpu({ install: false })) ?? (await findGpu({ install: true }));
    // Without any, the tool itself says what is missing.
    return gpu?.env ?? {};
  }
  return values.backend === "auto" && (await findOwnGpu()) === undefined ? { LONGTAB_GPU: "none" } : {};
}

try {
  const args = process.argv.slice(2);
  await installDependencies();
  const script = await buildProgram("apps/cli");
  runProgram(script, args, await prepareGpu(args));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
