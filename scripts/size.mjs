// node scripts/size.mjs     builds the library without the apps, and the widget, in memory, and prints what their parts weigh.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { bundleEmbed } from "./build-embed.mjs";
import { buildKernels } from "./build-kernels.mjs";
import { stripShaders } from "./strip-shaders.mjs";
import { root, say } from "./workspace.mjs";

/**
 * Parts of the library, by where its chunks and assets are put below. Limits are bytes after gzip.
 * @type {Record<string, { name: string, limit: number, folder: RegExp }>}
 */
const PARTS = {
  // What a page and its worker need for an answer on a graphics card. The kernels of all precisions, selection and policies are 15 KB of it.
  library: { name: "the library, client and worker together", limit: 92_000, folder: /^assets\// },
  // Fetched for a model whose template is more than ChatML.
  templates: { name: "what reads other chat templates, fetched for models that have one", limit: 16_000, folder: /^templates\// },
  // Fetched where a page names its conversations.
  sessions: { name: "what keeps conversations, fetched where they are named", limit: 8000, folder: /^sessions\// },
  // Fetched where far memory may keep more than the cache has room for.
  away: { name: "what moves long conversations to memory and disk, fetched where they may be too long", limit: 6000, folder: /^away\// },
  // Fetched only where a person has a model measured.
  calibration: { name: "what measures the heads of a model, fetched where it is asked for", limit: 8000, folder: /^calibration\// },
  // Of the four builds of the kernels a browser fetches one.
  cpu: { name: "the processor's part with one build of its kernels, fetched where it is needed", limit: 40_000, folder: /^cpu\// },
  // Fetched only where prompts are read with it.
  onnxruntime: { name: "onnxruntime", limit: Infinity, folder: /^onnxruntime\// },
};

/** Everything that a page with the widget fetches for an answer on a graphics card, the model apart: bytes after gzip. */
const WIDGET_LIMIT = 100_000;

/** @param {string} id path of a module or an asset @param {string} fallback */
function folderOf(id, fallback) {
  if (/onnxruntime-web|\bort-wasm/.test(id)) return "onnxruntime";
  if (/packages\/calibration\/|longtab\/src\/calibrate-model/.test(id)) return "calibration";
  if (/tokenizer\/src\/chat-template|huggingface\/jinja/.test(id)) return "templates";
  if (/longtab\/src\/sessions|longtab\/src\/context-plan|engine\/src\/snapshot/.test(id)) return "sessions";
  if (/attention\/src\/away|longtab\/src\/away/.test(id)) return "away";
  return /packages\/cpu\/|\bkernels[\w-]*\.wasm/.test(id) ? "cpu" : fallback;
}

/** Puts what belongs to the processor into folders of its own. @type {import("vite").Rolldown.OutputOptions} */
const folders = {
  entryFileNames: ({ facadeModuleId }) => `${folderOf(facadeModuleId ?? "", "assets")}/[name].js`,
  chunkFileNames: ({ facadeModuleId, moduleIds }) => `${folderOf(facadeModuleId ?? moduleIds.at(-1) ?? "", "assets")}/[name].js`,
  assetFileNames: ({ originalFileNames }) => `${folderOf(originalFileNames[0] ?? "", "assets")}/[name][extname]`,
};

/** Builds the library and the widget, prints the gzip size of each file and the sums; throws above a limit. */
export async function measureSize() {
  await buildKernels();
  await measureLibrary();
  await measureWidget();
}

async function measureLibrary() {
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
      rolldownOptions: { input: join(root, "packages/longtab/src/index.ts"), preserveEntrySignatures: "strict", output: folders },
    },
    worker: { format: "es", plugins: () => [stripShaders()], rolldownOptions: { output: folders } },
  });
  if (!("output" in result)) throw new Error("Vite built the library in another way than it was asked to.");
  const files = result.output.map((file) => ({
    name: file.fileName,
    bytes: gzipSync(file.type === "chunk" ? file.code : file.source, { level: 9 }).length,
  }));
  const overweight = Object.values(PARTS).filter((part) => weigh(part, files) > part.limit);
  for (const { name, limit } of overweight) throw tooHeavy(name, limit);
}

/** The script that a page names, its worker and the head map of the catalogue's model, with all that these import at once. */
async function measureWidget() {
  const { output } = await bundleEmbed({ write: false });
  const chunks = output.filter((file) => file.type === "chunk");
  const start = chunks.filter(
    ({ fileName, facadeModuleId }) => fileName === "longtab-chat.js" || /longtab\/src\/worker|head-maps\//.test(facadeModuleId ?? ""),
  );
  const fetched = new Set(start);
  for (const { imports } of fetched) for (const chunk of chunks) if (imports.includes(chunk.fileName)) fetched.add(chunk);
  const files = [...fetched].map(({ fileName, code }) => ({ name: fileName, bytes: gzipSync(code, { level: 9 }).length }));
  const name = "the widget without model and processor's part: all that an answer on a graphics card fetches";
  if (weigh({ name, limit: WIDGET_LIMIT, folder: /./ }, files) > WIDGET_LIMIT) throw tooHeavy(name, WIDGET_LIMIT);
}

/** @param {string} name @param {number} limit */
function tooHeavy(name, limit) {
  return new Error(
    `${name} weighs more than ${kilobytes(limit)} KB after gzip: find what came in, or raise the limit in scripts/size.mjs with a reason.`,
  );
}

/**
 * Prints the files of a part and gives their sum; of the builds of the kernels only the largest counts.
 * @param {{ name: string, limit: number, folder: RegExp }} part
 * @param {{ name: string, bytes: number }[]} files
 */
function weigh({ name, limit, folder }, files) {
  const own = files.filter((file) => folder.test(file.name));
  const kernels = own.filter((file) => /\bkernels.*\.wasm$/.test(file.name)).map(({ bytes }) => bytes);
  const sum =
    own.reduce((total, { bytes }) => total + bytes, 0) - kernels.reduce((total, bytes) => total + bytes, 0) + Math.max(0, ...kernels);
  for (const file of own) console.log(`${kilobytes(file.bytes).padStart(8)} KB  ${file.name}`);
  console.log(`${kilobytes(sum).padStart(8)} KB  ${name}, gzip${limit < Infinity ? ` (limit ${kilobytes(limit)})` : ""}\n`);
  return sum;
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
