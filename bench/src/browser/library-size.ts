import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Kilobytes after gzip, as the test of the library's size weighs them. */
export interface LibrarySizes {
  /** Client and worker. */
  library: number;
  /** What the processor needs besides, with the largest build of the kernels. */
  processor: number;
}

export async function measureLibrary(): Promise<LibrarySizes> {
  // From bench/dist/, where this program is built.
  const script = fileURLToPath(new URL("../../scripts/size.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]).catch((error: unknown) => {
    // Above a limit the script fails, but it has printed the sums.
    if (error instanceof Error && "stdout" in error && typeof error.stdout === "string") return { stdout: error.stdout };
    throw error;
  });
  return readSums(stdout);
}

/** The sums from the script's output. @throws Error where one is missing. */
export function readSums(output: string): LibrarySizes {
  return { library: readSum(output, "the library"), processor: readSum(output, "the processor's part") };
}

function readSum(output: string, part: string): number {
  const line = output.split("\n").find((text) => text.includes(` KB  ${part}`));
  if (line === undefined) throw new Error(`scripts/size.mjs printed no sum of ${part}`);
  return Number.parseFloat(line);
}
