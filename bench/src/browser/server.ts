import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:http";
import { dirname, extname, resolve, sep } from "node:path";
import { ISOLATION_HEADERS, pathOf, sendModel } from "../../../scripts/serve.mjs";

export interface BenchServer {
  /** With a slash at its end. */
  url: string;
  close(): Promise<void>;
}

const contentTypes: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/**
 * Serves the bench's pages twice, under /isolated/ with and under /open/ without cross-origin isolation, each with wllama's published files under
 * wllama/; and the model under /models/ with Range, as a page's own server would.
 * @param wllama the package's `esm` folder
 */
export async function serveBench(pages: string, wllama: string, model: string): Promise<BenchServer> {
  const server = createServer((request, response) => {
    const path = pathOf(request) ?? "";
    const [, mode, file = ""] = /^\/(isolated|open)\/(.*)$/.exec(path) ?? [];
    if (mode !== "open") for (const [name, value] of Object.entries(ISOLATION_HEADERS)) response.setHeader(name, value);
    // A transfer that the browser broke off has nobody left to tell.
    const fail = (): void => void (response.headersSent ? response.destroy() : response.writeHead(500).end());
    if (path.startsWith("/models/")) sendModel(request, response, dirname(model), path).catch(fail);
    else if (file.startsWith("wllama/")) sendFrom(wllama, file.slice("wllama/".length), response).catch(fail);
    else sendFrom(pages, file, response).catch(fail);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The bench's server has no address.");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close: async () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function sendFrom(folder: string, file: string, response: ServerResponse): Promise<void> {
  const path = resolve(folder, file);
  const bytes = path.startsWith(resolve(folder) + sep) ? await readFile(path).catch(() => undefined) : undefined;
  if (bytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  // Compiled code is kept by the browser only for answers that may be kept.
  response.writeHead(200, { "content-type": contentTypes[extname(path)] ?? "application/octet-stream", "cache-control": "max-age=3600" });
  response.end(bytes);
}
