import { readFile, readdir } from "node:fs/promises";

/** Peaks of a browser's processes, bytes. */
export interface BrowserMemory {
  /** The largest page with its workers. */
  renderer: number;
  /** The process that talks to the driver. On software adapters the GPU's memory is in it. */
  gpu: number;
}

/** Peak memory of the browser that uses this profile folder, from Linux's /proc; undefined elsewhere. */
export async function browserMemory(profile: string): Promise<BrowserMemory | undefined> {
  if (process.platform !== "linux") return undefined;
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const processes = await Promise.all(ids.map(describeProcess));
  const alive = processes.filter((found) => found !== undefined);
  const family = new Set(alive.filter(({ command }) => command.includes(`--user-data-dir=${profile}`)).map(({ id }) => id));
  // Parents come before their children, whatever order the ids are in, once nothing new is found.
  for (let size = 0; size < family.size;) {
    size = family.size;
    for (const { id, parent } of alive) if (family.has(parent)) family.add(id);
  }
  const peakOf = (type: string): number =>
    Math.max(0, ...alive.filter(({ id, command }) => family.has(id) && command.includes(`--type=${type}`)).map(({ peak }) => peak));
  return { renderer: peakOf("renderer"), gpu: peakOf("gpu-process") };
}

interface FoundProcess {
  id: string;
  parent: string;
  command: string;
  peak: number;
}

/** Undefined for a process that has ended meanwhile. */
async function describeProcess(id: string): Promise<FoundProcess | undefined> {
  try {
    const [command, status] = await Promise.all([readFile(`/proc/${id}/cmdline`, "utf8"), readFile(`/proc/${id}/status`, "utf8")]);
    const parent = /^PPid:\s*(\d+)/m.exec(status)?.[1] ?? "";
    return { id, parent, command, peak: Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024 };
  } catch {
    return undefined;
  }
}
