// npm run bench [-- ...]     the benchmark (bench/), installed and built where needed; the model is fetched once.

import { parseArgs } from "node:util";
import { buildBenchPages } from "./bench-pages.mjs";
import { findBrowser } from "./browser.mjs";
import { fetchModel } from "./fetch-model.mjs";
import { installDependencies } from "./install.mjs";
import { installPeers, peersFolder } from "./peers.mjs";
import { buildProgram, runProgram } from "./run-program.mjs";
import { findGpu } from "./software-gpu.mjs";
import { say } from "./workspace.mjs";

/**
 * A GPU is looked for, and a driver that plays one installed where there is none, only for what is to be measured on one; the
 * others take the one that is there.
 * @param {string[]} args
 */
async function prepareGpu(args) {
  const { values } = parseArgs({
    args,
    options: { only: { type: "string" }, backend: { type: "string", default: "auto" } },
    strict: false,
  });
  const only = typeof values.only === "string" ? values.only.split(",").map((name) => name.trim()) : undefined;
  const inBrowser = only === undefined || only.includes("browser") || (only.includes("wllama") && !only.includes("cpu"));
  const inNode = only === undefined || only.some((name) => ["kernels", "engine", "llama.cpp", "context", "session"].includes(name));
  if (!inBrowser && !(inNode && values.backend === "webgpu")) return {};
  return ((await findGpu({ install: false })) ?? (await findGpu({ install: true })))?.env ?? {};
}

try {
  const args = process.argv.slice(2);
  await installDependencies();
  const script = await buildProgram("bench");
  // Nothing is measured, and so nothing fetched.
  if (args.some((argument) => /^--(help|from(=.*)?)$/.test(argument))) runProgram(script, args, {});
  else {
    if (args.includes("--install-peers")) await installPeers();
    await buildBenchPages();
    const model = args.some((argument) => /^--model(=|$)/.test(argument)) ? {} : { LONGTAB_MODEL: await fetchModel() };
    const gpu = await prepareGpu(args);
    const browser = await findBrowser();
    runProgram(script, args, { ...model, LONGTAB_PEERS: peersFolder(), ...(browser && { LONGTAB_BROWSER: browser }), ...gpu });
  }
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
