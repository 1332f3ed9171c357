import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The library with its worker after gzip, as the test of its size weighs it. */
export async function measureLibrary(): Promise<{ kilobytes: number }> {
  // From bench/dist/, where this program is built.
  const script = fileURLToPath(new URL("../../scripts/size.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]).catch((error: unknown) => {
    // Above its limit the script fails, but it has printed the sum.
    if (error instanceof Error && "stdout" in error && typeof error.stdout === "string") return { stdout: error.stdout };
    throw error;
  });
  return { kilobytes: readSum(stdout) };
}

/** The sum from the script's output. @throws Error when there is none. */
export function readSum(output: string): number {
  const sum = /^\s*([\d.]+) KB {2}in sum/m.exec(output)?.[1];
  if (sum === undefined) throw new Error("scripts/size.mjs printed no sum");
  return Number(sum);
}
