// Serves the built chat page and the models of the cache: what `npm start` runs and what the browser tests load.

import { createReadStream } from "node:fs";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";

/** @type {Record<string, string>} */
const CONTENT_TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".wgsl": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".gguf": "application/octet-stream",
};

/** Cross-origin isolation: precise timers, and shared memory where it is wanted. */
export const ISOLATION_HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** No eval but WebAssembly's, no inline script, nothing from elsewhere but model files fetched over HTTPS. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "connect-src 'self' https:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE_HEADERS = {
  ...ISOLATION_HEADERS,
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** The widget below /embed/ is for pages of any origin, which set their own policies; so are the models that it fetches. */
const EMBED_HEADERS = {
  "access-control-allow-origin": "*",
  "cross-origin-resource-policy": "cross-origin",
  "x-content-type-options": "nosniff",
};

/**
 * @typedef {object} ServeOptions
 * @property {string} dist folder of the built page
 * @property {string} models folder whose .gguf files appear under /models/
 * @property {string} [host] 127.0.0.1 unless told otherwise
 * @property {number[]} [ports] tried in order; 0 is any free one
 * @property {boolean} [plain] true: with types and lengths alone, as a host that lets nobody choose headers
 *
 * @typedef {object} Served
 * @property {string} url with a slash at its end
 * @property {number} port
 * @property {() => Promise<void>} close also ends transfers under way
 */

/**
 * Starts the server on the first free port; throws Node's error (EADDRINUSE, EACCES ...) when none is.
 * @param {ServeOptions} options
 * @returns {Promise<Served>}
 */
export async function serve({ dist, models, host = "127.0.0.1", ports = [0], plain = false }) {
  const server = createServer((request, response) => {
    answer(request, response, { dist, models, plain }).catch((/** @type {unknown} */ error) => {
      // The browser left in the middle of a transfer, or the file went away: there is nobody or nothing to send.
      if (!response.headersSent) fail(response, 500, error instanceof Error ? error.message : String(error));
      else response.destroy();
    });
  });
  const port = await listen(server, host, ports);
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${name}:${port}/`,
    port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** @param {import("node:http").Server} server @param {string} host @param {number[]} ports @returns {Promise<number>} */
async function listen(server, host, ports) {
  /** @type {unknown} */
  let failure;
  for (const port of ports) {
    server.listen(port, host);
    failure = await once(server, "listening").then(
      () => undefined,
      (/** @type {unknown} */ error) => error,
    );
    if (failure === undefined) {
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : port;
    }
    // Another port helps where this one is taken, and nowhere else.
    if (!(failure instanceof Error && "code" in failure && failure.code === "EADDRINUSE")) break;
  }
  throw failure;
}

/**
 * @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response
 * @param {{ dist: string, models: string, plain: boolean }} site
 */
async function answer(request, response, { dist, models, plain }) {
  const path = pathOf(request);
  if (!plain) setHeaders(response, path ?? "/");
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return fail(response, 405, "Only GET and HEAD are answered here");
  }
  if (path === undefined) return fail(response, 400, "The address cannot be read");
  if (path.startsWith("/models/")) return sendModel(request, response, models, path);
  const file = await findPage(dist, path);
  if (file === undefined) return fail(response, 404, "There is no such page");
  return sendFile(request, response, file);
}

/** @param {import("node:http").ServerResponse} response @param {string} path */
function setHeaders(response, path) {
  for (const [name, value] of Object.entries(/^\/(embed|models)\//.test(path) ? EMBED_HEADERS : PAGE_HEADERS))
    response.setHeader(name, value);
  // Vite puts a hash of the contents into the names under assets/. Everything else is asked for anew, above all the service worker.
  response.setHeader("cache-control", /^\/(embed\/)?assets\//.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
}

/**
 * Sends /models/<file> from a folder: .gguf files directly inside it and nothing else.
 * @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response
 * @param {string} models @param {string} path decoded
 */
export async function sendModel(request, response, models, path) {
  const name = path.slice("/models/".length);
  const file = join(models, name);
  if (!/^[\w.-]+\.gguf$/.test(name) || !(await isFile(file))) return fail(response, 404, "There is no such model here");
  response.setHeader("cache-control", "no-cache");
  return sendFile(request, response, file);
}

/**
 * Sends a file, or the one range of it that is asked for, with an ETag; an unchanged file is answered 304.
 * @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response @param {string} file
 */
async function sendFile(request, response, file) {
  const { size, mtimeMs } = await stat(file);
  const etag = `"${size.toString(16)}-${Math.round(mtimeMs).toString(16)}"`;
  response.setHeader("etag", etag);
  response.setHeader("accept-ranges", "bytes");
  response.setHeader("content-type", CONTENT_TYPES[extname(file).toLowerCase()] ?? "application/octet-stream");
  const { range, "if-range": ifRange, "if-none-match": ifNoneMatch } = request.headers;
  if (ifNoneMatch?.split(/\s*,\s*/).some((tag) => tag === etag || tag === `W/${etag}`)) {
    response.writeHead(304).end();
    return;
  }
  const part = range === undefined || (ifRange !== undefined && ifRange !== etag) ? undefined : parseRange(range, size);
  if (part === "unsatisfiable") {
    response.setHeader("content-range", `bytes */${size}`);
    return fail(response, 416, `The file has ${size} bytes`);
  }
  const { start, end } = part ?? { start: 0, end: size - 1 };
  response.setHeader("content-length", end - start + 1);
  if (part !== undefined) response.setHeader("content-range", `bytes ${start}-${end}/${size}`);
  response.writeHead(part === undefined ? 200 : 206);
  if (request.method === "HEAD" || size === 0) response.end();
  else await pipeline(createReadStream(file, { start, end, highWaterMark: 1 << 18 }), response);
}

/**
 * One byte range (RFC 9110, section 14.1.2); several ranges or another unit are ignored, as the RFC allows.
 * @param {string} header @param {number} size
 * @returns {{ start: number, end: number } | "unsatisfiable" | undefined} `end` is inclusive
 */
function parseRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end };
}

/** The decoded path of a request, or undefined when it cannot be one. @param {import("node:http").IncomingMessage} request */
export function pathOf(request) {
  try {
    const path = decodeURIComponent((request.url ?? "/").split(/[?#]/, 1)[0] ?? "/");
    return path.startsWith("/") && !path.includes("\0") ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The file that a path names inside the folder; a folder's own page is its index.html. @param {string} folder @param {string} path */
async function findPage(folder, path) {
  const base = resolve(folder);
  const file = resolve(base, `.${path}`, path.endsWith("/") ? "index.html" : "");
  return file.startsWith(base + sep) && (await isFile(file)) ? file : undefined;
}

/** @param {string} path */
async function isFile(path) {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** @param {import("node:http").ServerResponse} response @param {number} status @param {string} words */
function fail(response, status, words) {
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.removeHeader("content-length");
  response.removeHeader("cache-control");
  response.writeHead(status).end(`${words}.\n`);
}
