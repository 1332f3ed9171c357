import { homedir } from "node:os";
import { join } from "node:path";
import { readJson, root } from "./workspace.mjs";

/** @typedef {import("../packages/longtab/src/api.ts").CatalogueEntry} CatalogueEntry */

/** The models that Longtab names; the library reads the same file. */
const catalogue = /** @type {CatalogueEntry[]} */ (readJson(join(root, "packages/longtab/src/catalogue.json")));

/** The model that `npm start` serves and the tests talk to. @returns {CatalogueEntry} */
export function defaultModel() {
  const [first] = catalogue;
  if (first === undefined) throw new Error("The catalogue is empty.");
  return first;
}

/** Where models are kept: outside the repository, so that clones share them. `LONGTAB_CACHE` overrides the platform's custom. */
export function modelsFolder() {
  return join(cacheFolder(), "models");
}

function cacheFolder() {
  const { LONGTAB_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (LONGTAB_CACHE) return LONGTAB_CACHE;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, "longtab");
  if (process.platform === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, "longtab", "Cache");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "longtab");
  return join(homedir(), ".cache", "longtab");
}
