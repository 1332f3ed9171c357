import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildKernels } from "./build-kernels.mjs";
import { stripShaders } from "./strip-shaders.mjs";
import { fingerprint, root, say, scratch, whenChanged } from "./workspace.mjs";

/** The folder of the built widget. */
const embedDist = join(root, "dist/embed");

/** The one name that pages write; what it imports has a hash. */
const SCRIPT = "longtab-chat.js";

/** Builds the script-tag widget into dist/embed unless it is there and its sources have not changed since. */
export async function buildEmbed() {
  await buildKernels();
  const packages = readdirSync(join(root, "packages")).flatMap((name) => [`packages/${name}/src`, `packages/${name}/package.json`]);
  await whenChanged({
    stamp: join(scratch, "built-embed"),
    key: fingerprint([
      "tsconfig.json",
      "pnpm-lock.yaml",
      "scripts",
      "packages/cpu/assembly",
      "packages/attention/head-maps",
      "packages/embed",
      "shaders",
      ...packages,
    ]),
    product: join(embedDist, SCRIPT),
    make: async () => {
      say("Building the widget ...");
      await bundleEmbed({ outDir: embedDist, emptyOutDir: true });
    },
  });
}

/**
 * Bundles the widget.
 * @param {import("vite").BuildOptions} options where to; `write: false` keeps it in memory
 * @returns {Promise<import("vite").Rolldown.RolldownOutput>}
 */
export async function bundleEmbed(options) {
  const { build } = await import("vite");
  const folder = join(root, "packages/embed");
  const result = await build({
    root: folder,
    configFile: false,
    logLevel: "warn",
    // Relative, so that files find each other wherever the folder lies.
    base: "./",
    publicDir: options.write === false ? false : join(folder, "demo"),
    plugins: [stripShaders(), workersBeside(), plainImports()],
    build: {
      // The oldest browsers with both WebGPU and CSS light-dark().
      target: ["chrome123", "firefox141", "safari26"],
      modulePreload: false,
      assetsInlineLimit: 0,
      cssMinify: true,
      ...options,
      rolldownOptions: {
        input: { "longtab-chat": join(folder, "src/index.ts") },
        preserveEntrySignatures: "strict",
        output: {
          entryFileNames: SCRIPT,
          chunkFileNames: "assets/[name]-[hash].js",
          assetFileNames: "assets/[name]-[hash][extname]",
          codeSplitting: {
            groups: [
              { name: inBoth("shared", folder), debugName: "shared", priority: 2 },
              { name: inWorker("engine"), debugName: "engine", priority: 1 },
            ],
          },
        },
      },
    },
  });
  if (!("output" in result)) throw new Error("Vite built the widget in another way than it was asked to.");
  return result;
}

/**
 * A plugin that bundles workers beside the page's script rather than each for itself: what both need is one file, fetched once. A worker is what
 * `new Worker(new URL("...", import.meta.url)` names.
 * @returns {import("vite").Plugin}
 */
function workersBeside() {
  return {
    name: "longtab:workers-beside",
    enforce: "pre",
    transform: {
      filter: { code: /new Worker\(/ },
      handler(code, id) {
        const source = code.replace(/new URL\("(\.[^"]+)", import\.meta\.url\)/g, (_, /** @type {string} */ path) => {
          const worker = this.emitFile({ type: "chunk", id: join(dirname(id), path), name: path.replace(/^.*\/|\.ts$/g, "") });
          return `import.meta.ROLLUP_FILE_URL_${worker}`;
        });
        return { code: source, map: null };
      },
    },
  };
}

/** @typedef {import("vite").Rolldown.CodeSplittingNameFunction} NameOfGroup */

const WORKER = join(root, "packages/longtab/src/worker.ts");

/** The name for what the worker needs from the beginning: without it every overlap with a part that is fetched later would be a file of its own. @param {string} name @returns {NameOfGroup} */
function inWorker(name) {
  const reached = reach(WORKER);
  return (id, graph) => (reached(graph).has(id) ? name : null);
}

/** The name for what the page and the worker both need, so that it is fetched once. @param {string} name @param {string} folder @returns {NameOfGroup} */
function inBoth(name, folder) {
  const byWorker = reach(WORKER);
  const byPage = reach(join(folder, "src/index.ts"));
  return (id, graph) => (byWorker(graph).has(id) && byPage(graph).has(id) ? name : null);
}

/** Modules that an entry imports, not counting what it imports when needed. @param {string} entry */
function reach(entry) {
  /** @type {Set<string> | undefined} */
  let found;
  return (/** @type {Parameters<NameOfGroup>[1]} */ graph) => {
    if (found) return found;
    found = new Set([entry]);
    for (const module of found) for (const imported of graph.getModuleInfo(module)?.importedIds ?? []) found.add(imported);
    return found;
  };
}

/** A plugin that leaves imports of parts as they are, where Vite would first look for style sheets to load. @returns {import("vite").Plugin} */
function plainImports() {
  return {
    name: "longtab:plain-imports",
    enforce: "pre",
    load: {
      filter: { id: /vite\/preload-helper/ },
      handler: () => "export const __vitePreload = (load) => load();",
    },
  };
}
