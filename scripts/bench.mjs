// npm run bench [-- ...]     the benchmark (bench/), installed and built where needed; the model is fetched once.

import { fetchModel } from "./fetch-model.mjs";
import { installDependencies } from "./install.mjs";
import { buildProgram, runProgram } from "./run-program.mjs";
import { findGpu } from "./software-gpu.mjs";
import { say } from "./workspace.mjs";

try {
  await installDependencies();
  const model = await fetchModel();
  const script = await buildProgram("bench");
  const gpu = (await findGpu({ install: false })) ?? (await findGpu({ install: true }));
  runProgram(script, process.argv.slice(2), { LONGTAB_MODEL: model, ...gpu?.env });
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
