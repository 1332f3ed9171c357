import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Partial files that this process is writing now. @type {Set<string>} */
const active = new Set();
let count = 0;

/**
 * A file of this run's own to download into, beside the target. Takes over the longest partial file that an ended run left, by renaming it,
 * which only one of several runs can do: two runs never write to one file.
 * @param {string} target
 */
export async function claimPartial(target) {
  const own = `${target}.${process.pid}-${count++}.part`;
  active.add(own);
  for (const left of await abandoned(target)) {
    try {
      await rename(left, own);
      break;
    } catch {
      // Another run was quicker.
    }
  }
  return own;
}

/** The run is over: the partial file, if still there, may be taken over by another. @param {string} partial */
export function releasePartial(partial) {
  active.delete(partial);
}

/** Deletes what ended runs left of a target that is now complete. @param {string} target */
export async function removeAbandoned(target) {
  for (const left of await abandoned(target)) await rm(left, { force: true });
}

/** Partial files of the target whose process has ended, longest first. @param {string} target */
async function abandoned(target) {
  const prefix = `${basename(target)}.`;
  const found = [];
  for (const name of await readdir(dirname(target))) {
    const pid = /^(\d+)-\d+\.part$/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : "")?.[1];
    const path = join(dirname(target), name);
    if (pid === undefined || active.has(path) || (Number(pid) !== process.pid && isRunning(Number(pid)))) continue;
    const size = (await stat(path).catch(() => undefined))?.size;
    if (size !== undefined) found.push({ path, size });
  }
  return found.toSorted((a, b) => b.size - a.size).map(({ path }) => path);
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and belongs to someone else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
