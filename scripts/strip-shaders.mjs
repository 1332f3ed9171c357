// A Vite plugin: shaders travel without their comments and indentation. `?raw` imports of .wgsl files only.

/** @returns {import("vite").Plugin} */
export function stripShaders() {
  return {
    name: "longtab:strip-shaders",
    apply: "build",
    enforce: "post",
    transform: {
      filter: { id: /\.wgsl\?raw$/ },
      handler(code) {
        const source = /^export default ("(?:[^"\\]|\\.)*");?\s*$/s.exec(code)?.[1];
        if (source === undefined) throw new Error("Vite gives raw imports another form than this plugin reads.");
        return { code: `export default ${JSON.stringify(strip(/** @type {string} */ (JSON.parse(source))))};`, map: null };
      },
    },
  };
}

/**
 * WGSL has no strings, so a comment is a comment wherever it stands; only line comments are used here. What follows from it: lines keep
 * their order, and an error's line number is the stripped one's.
 *
 * @param {string} source
 */
function strip(source) {
  return source
    .split("\n")
    .map((line) => line.replace(/\/\/.*$/, "").trim())
    .filter((line) => line !== "")
    .join("\n");
}
