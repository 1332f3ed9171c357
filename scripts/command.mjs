import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./workspace.mjs";

/**
 * @typedef {object} CommandOptions
 * @property {Record<string, string>} [env] added to this process's own environment
 * @property {"show" | "stderr" | "capture"} [output] where its output goes; "capture" joins stdout and stderr in the result
 * @property {number} [seconds] the whole process group is killed after this long
 * @property {string} [cwd]
 *
 * @typedef {object} CommandResult
 * @property {number} status exit status; 124 when the time was up, 127 when there is no such command
 * @property {string} output empty unless captured
 */

/**
 * Runs a command to its end; never throws. Interrupting this process kills the command and its children first.
 * @param {string} command
 * @param {string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<CommandResult>}
 */
export function run(command, args, { env = {}, output = "show", seconds, cwd = root } = {}) {
  return new Promise((resolve) => {
    // A process group of its own, so that the children of a command that hangs die with it.
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      detached: process.platform !== "win32",
      stdio: /** @type {import("node:child_process").StdioOptions} */ (["ignore", ...STREAMS[output]]),
    });
    let text = "";
    let timedOut = false;
    const kill = () => killGroup(child);
    const expire = () => {
      timedOut = true;
      kill();
    };
    const timer = seconds === undefined ? undefined : setTimeout(expire, seconds * 1000);
    const interrupt = () => {
      kill();
      process.exit(130);
    };
    for (const signal of SIGNALS) process.on(signal, interrupt);
    /** @param {number} status */
    const end = (status) => {
      clearTimeout(timer);
      for (const signal of SIGNALS) process.off(signal, interrupt);
      resolve({ status: timedOut ? 124 : status, output: text });
    };
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (/** @type {string} */ chunk) => (text += chunk));
    child.on("error", () => end(127));
    child.on("close", (code) => end(code ?? 1));
  });
}

/** Where standard output and standard error of a command go. */
const STREAMS = { show: [1, 2], stderr: [2, 2], capture: ["pipe", "pipe"] };

/** @type {NodeJS.Signals[]} */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/** @param {import("node:child_process").ChildProcess} child */
function killGroup(child) {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}

/** Command and first arguments that run npx, also on Windows, where `npx` itself is a shell file. */
export function npx() {
  const beside = [process.env["npm_execpath"], join(dirname(process.execPath), "node_modules/npm/bin/npm-cli.js")];
  for (const npm of beside) {
    const script = npm === undefined ? "" : join(dirname(npm), "npx-cli.js");
    if (existsSync(script)) return { command: process.execPath, args: [script] };
  }
  return { command: "npx", args: [] };
}
