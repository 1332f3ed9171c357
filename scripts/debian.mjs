import { existsSync } from "node:fs";
import { run } from "./command.mjs";
import { say } from "./workspace.mjs";

/** Whether packages of a Debian-like system can be installed: apt-get is there and this is root. */
export function canInstallPackages() {
  return existsSync("/usr/bin/apt-get") && process.getuid?.() === 0;
}

let updated = false;

/**
 * Installs system packages; false, with apt's own words shown, when that fails.
 * @param {string[]} packages
 * @param {{ why: string, release?: string }} options `release`: apt's target release, such as "bookworm-backports"
 */
export async function installPackages(packages, { why, release }) {
  if (!canInstallPackages()) return false;
  say(`Installing ${packages.join(" ")} with apt-get: ${why}.`);
  // Another apt-get may be at work: wait for it a while instead of failing.
  const common = ["-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2"];
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  if (!updated) updated = (await run("apt-get", [...common, "update"], { output: "capture", env, seconds: 180 })).status === 0;
  const target = release === undefined ? [] : ["-t", release];
  const { status, output } = await run("apt-get", [...common, ...target, "install", "--no-install-recommends", ...packages], {
    output: "capture",
    env,
    seconds: 600,
  });
  if (status !== 0) say(`apt-get install ended with status ${status}:\n${output.trimEnd().split("\n").slice(-8).join("\n")}`);
  return status === 0;
}

/** A release was added to apt's sources: its lists must be read before the next installation. */
export function forgetPackageLists() {
  updated = false;
}
