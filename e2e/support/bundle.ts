import { fileURLToPath } from "node:url";
import { build } from "vite";

/** A module of the workspace and all it imports, as one script's text. @param path from the repository's root */
export async function bundle(path: string): Promise<string> {
  const entry = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const lib = { entry, formats: ["es" as const] };
  const built = await build({ configFile: false, logLevel: "warn", build: { write: false, lib, target: "es2022" } });
  const [output] = Array.isArray(built) ? built : [built];
  if (output === undefined || !("output" in output)) throw new Error("Vite built nothing");
  return output.output[0].code;
}
