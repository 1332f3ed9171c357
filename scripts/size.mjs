// node scripts/size.mjs     builds the library without the apps, in memory, and prints what it weighs.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { stripShaders } from "./strip-shaders.mjs";
import { root, say } from "./workspace.mjs";

/** Bytes after gzip, client and worker together. */
const LIMIT = 80_000;

/** Builds the client and its worker, prints the gzip size of each file and the sum; throws above the limit. */
export async function measureSize() {
  const { build } = await import("vite");
  const result = await build({
    root: join(root, "packages/longtab"),
    configFile: false,
    logLevel: "warn",
    plugins: [stripShaders()],
    build: {
      write: false,
      target: "es2023",
      modulePreload: false,
      assetsInlineLimit: 0,
      rolldownOptions: { input: join(root, "packages/longtab/src/index.ts"), preserveEntrySignatures: "strict" },
    },
    worker: { format: "es", plugins: () => [stripShaders()] },
  });
  if (!("output" in result)) throw new Error("Vite built the library in another way than it was asked to.");
  let sum = 0;
  for (const file of result.output) {
    const bytes = gzipSync(file.type === "chunk" ? file.code : file.source, { level: 9 }).length;
    sum += bytes;
    console.log(`${kilobytes(bytes).padStart(8)} KB  ${file.fileName}`);
  }
  console.log(`${kilobytes(sum).padStart(8)} KB  in sum, gzip (limit ${kilobytes(LIMIT)})`);
  if (sum > LIMIT)
    throw new Error(
      `The library weighs ${kilobytes(sum)} KB after gzip, more than ${kilobytes(LIMIT)}: find what came in, or raise the limit with a reason.`,
    );
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return (bytes / 1000).toFixed(1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await measureSize().catch((/** @type {unknown} */ error) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
