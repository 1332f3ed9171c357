// The runtimes that the bench compares with, installed outside the repository: people who use or change Longtab do not need them.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { modelsFolder } from "./catalogue.mjs";
import { npx, run } from "./command.mjs";
import { readJson, root, say } from "./workspace.mjs";

const PEERS = { "node-llama-cpp": "3.22.1", "@wllama/wllama": "3.8.1" };

/** Where the peers are kept: in the cache, beside the models. */
export function peersFolder() {
  return join(dirname(modelsFolder()), "peers");
}

/** Installs the peers (about 120 MB) with pnpm; throws when that fails. Their install scripts do not run: the binaries are in the packages. */
export async function installPeers() {
  const folder = peersFolder();
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), `${JSON.stringify({ private: true, dependencies: PEERS }, undefined, 2)}\n`);
  // Binaries for CUDA and Vulkan, 600 MB of them, would never run: llama.cpp is measured on the CPU.
  await writeFile(
    join(folder, "pnpm-workspace.yaml"),
    'packages: []\nignoredOptionalDependencies:\n  - "@node-llama-cpp/*-cuda*"\n  - "@node-llama-cpp/*-vulkan*"\n',
  );
  const { pnpm } = /** @type {{ config: { pnpm: string } }} */ (readJson(join(root, "package.json"))).config;
  const { command, args } = npx();
  say(`Installing ${Object.keys(PEERS).join(" and ")} into ${folder} ...`);
  const install = ["-y", `pnpm@${pnpm}`, "install", "--ignore-scripts", "--no-lockfile"];
  const { status } = await run(command, [...args, ...install], { output: "stderr", env: { CI: "true" }, cwd: folder, seconds: 900 });
  if (status !== 0) throw new Error(`The peers could not be installed (status ${status}); what pnpm printed above says why.`);
}
