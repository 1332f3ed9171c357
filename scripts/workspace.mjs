import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What builds and tests leave behind between runs; safe to delete. */
export const scratch = join(root, ".cache");

/** Tells the person what happens. Always standard error: standard output belongs to the command that runs. @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** @param {string} path @returns {unknown} */
export function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** Node's arguments for a tool of the workspace: its own script, because `.bin` holds shell files that Windows cannot spawn. @param {string} name */
export function tool(name) {
  const folder = join(root, "node_modules", { tsc: "typescript", asc: "assemblyscript" }[name] ?? name);
  const { bin } = /** @type {{ bin: string | Record<string, string> }} */ (readJson(join(folder, "package.json")));
  const script = typeof bin === "string" ? bin : bin[name];
  if (script === undefined) throw new Error(`${folder} has no command ${name}.`);
  return join(folder, script);
}

/**
 * One hash of the contents of files and folders, to know whether something made from them is still good.
 * Contents rather than times: git gives every file of a clone or a switched branch a new time.
 * @param {string[]} paths relative to the repository; missing ones count as empty
 */
export function fingerprint(paths) {
  const hash = createHash("sha256");
  for (const path of paths)
    for (const file of files(path))
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(root, file)))
        .update("\0");
  return hash.digest("hex");
}

/** Every file under a path, sorted, without what is made or installed. @param {string} path @returns {string[]} */
function files(path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full, { withFileTypes: true })
    .filter((entry) => !["node_modules", "dist"].includes(entry.name) && (entry.isDirectory() || entry.isFile()))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => files(`${path}/${entry.name}`));
}

/**
 * Does something only when what it depends on has changed since it last succeeded here.
 * @param {object} job
 * @param {string} job.stamp file that remembers the fingerprint
 * @param {string} job.key the fingerprint now
 * @param {string} job.product file that must be there for the stamp to count
 * @param {() => Promise<void>} job.make throws when it fails
 */
export async function whenChanged({ stamp, key, product, make }) {
  if (existsSync(product) && existsSync(stamp) && readFileSync(stamp, "utf8") === key) return;
  await make();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, key);
}
