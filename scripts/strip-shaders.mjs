// A Vite plugin: shaders travel without comments, spaces and long names. `?raw` imports of .wgsl files only.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { minifyWgsl, shortNames } from "./minify-wgsl.mjs";
import { root } from "./workspace.mjs";

/** @returns {import("vite").Plugin} */
export function stripShaders() {
  /** @type {Map<string, string>} */
  let short;
  return {
    name: "longtab:strip-shaders",
    apply: "build",
    enforce: "post",
    buildStart: () => void (short = shortNames(allShaders())),
    transform: {
      filter: { id: /\.wgsl\?raw$/ },
      handler(code) {
        const source = /^export default ("(?:[^"\\]|\\.)*");?\s*$/s.exec(code)?.[1];
        if (source === undefined) throw new Error("Vite gives raw imports another form than this plugin reads.");
        return { code: `export default ${JSON.stringify(minifyWgsl(/** @type {string} */ (JSON.parse(source)), short))};`, map: null };
      },
    },
  };
}

/** The texts of all shaders of the repository. */
export function allShaders() {
  const folder = join(root, "shaders");
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".wgsl"))
    .toSorted()
    .map((name) => readFileSync(join(folder, name), "utf8"));
}
