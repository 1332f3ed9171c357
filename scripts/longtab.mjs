// npm run longtab -- VERB ...     the command-line tool (apps/cli), installed and built where needed.

import { installDependencies } from "./install.mjs";
import { buildProgram, runProgram } from "./run-program.mjs";
import { findGpu } from "./software-gpu.mjs";
import { say } from "./workspace.mjs";

/** Verbs that run the model; the others need no GPU and start faster without looking for one. */
const GPU_VERBS = ["generate", "score"];

try {
  const args = process.argv.slice(2);
  await installDependencies();
  const script = await buildProgram("apps/cli");
  const needsGpu = GPU_VERBS.includes(args[0] ?? "") && !args.includes("--help");
  // What is there is enough; a driver is installed only where there is none. Without any, the tool itself says what is missing.
  const gpu = needsGpu ? ((await findGpu({ install: false })) ?? (await findGpu({ install: true }))) : undefined;
  runProgram(script, args, gpu?.env ?? {});
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
