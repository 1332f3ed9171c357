// npm run bench [-- ...]     the benchmark (bench/), installed and built where needed; the model is fetched once.

import { buildBenchPages } from "./bench-pages.mjs";
import { findBrowser } from "./browser.mjs";
import { fetchModel } from "./fetch-model.mjs";
import { installDependencies } from "./install.mjs";
import { installPeers, peersFolder } from "./peers.mjs";
import { buildProgram, runProgram } from "./run-program.mjs";
import { findGpu } from "./software-gpu.mjs";
import { say } from "./workspace.mjs";

try {
  const args = process.argv.slice(2);
  await installDependencies();
  const script = await buildProgram("bench");
  if (args.includes("--help")) runProgram(script, args, {});
  else {
    if (args.includes("--install-peers")) await installPeers();
    await buildBenchPages();
    const model = args.some((argument) => /^--model(=|$)/.test(argument)) ? {} : { LONGTAB_MODEL: await fetchModel() };
    const gpu = (await findGpu({ install: false })) ?? (await findGpu({ install: true }));
    const browser = await findBrowser();
    runProgram(script, args, { ...model, LONGTAB_PEERS: peersFolder(), ...(browser && { LONGTAB_BROWSER: browser }), ...gpu?.env });
  }
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
