import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { stripShaders } from "../../scripts/strip-shaders.mjs";
import { ISOLATION_HEADERS } from "../../scripts/serve.mjs";
import { type Behaviour, HostedFile } from "../hub/hosted-file.ts";
import { listen, origin, stop } from "../hub/server.ts";

const PAGE = '<!doctype html><html lang="en"><title>A page that uses Longtab</title><script type="module" src="/page.js"></script></html>';

/** As strict as a page can be: what Longtab needs is its own scripts, WebAssembly, its worker and the way to the models. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self' https://huggingface.co";

/** How a site differs from the usual one. */
export interface SiteOptions {
  /** False: the policy does not let the page compile WebAssembly. */
  wasm?: boolean;
  /** True: the site's pages are cross-origin isolated. */
  isolated?: boolean;
  /** A script that runs in every worker before the worker's own: for devices that no machine at hand has. */
  beforeWorker?: string;
}

/** Scripts and the processor's kernels, by path. */
export type Scripts = ReadonlyMap<string, string | Uint8Array>;

/** packages/longtab/test/page.ts, built as a user's bundler builds it. */
export async function buildLibraryPage(): Promise<Scripts> {
  const input = fileURLToPath(new URL("../../packages/longtab/test/page.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "warn",
    base: "/",
    build: {
      write: false,
      target: "es2022",
      assetsInlineLimit: 0,
      modulePreload: false,
      rollupOptions: { input, output: { entryFileNames: "page.js" } },
    },
    worker: { format: "es", plugins: () => [stripShaders()] },
  });
  const [bundle] = Array.isArray(built) ? built : [built];
  if (bundle === undefined || !("output" in bundle)) throw new Error("Vite built nothing");
  return new Map(bundle.output.map((file) => [`/${file.fileName}`, file.type === "chunk" ? file.code : file.source]));
}

/** A site whose page uses the library, under a strict policy, with model files that behave as a test wants. */
export class LibrarySite {
  readonly #server: Server;
  readonly #scripts: Scripts;
  readonly #options: SiteOptions;
  readonly #files = new Map<string, HostedFile>();

  private constructor(scripts: Scripts, options: SiteOptions) {
    this.#scripts = scripts;
    this.#options = options;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(scripts: Scripts, options: SiteOptions = {}): Promise<LibrarySite> {
    const site = new LibrarySite(scripts, options);
    await listen(site.#server);
    return site;
  }

  get base(): string {
    return origin(this.#server);
  }

  publish(name: string, bytes: Uint8Array, behaviour: Behaviour = {}): { file: HostedFile; url: string } {
    const file = new HostedFile(Buffer.from(bytes), behaviour);
    this.#files.set(`/models/${name}`, file);
    return { file, url: `${this.base}/models/${name}` };
  }

  async close(): Promise<void> {
    await stop(this.#server);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? "/", this.base);
    const { wasm = true, isolated = false, beforeWorker = "" } = this.#options;
    const headers = {
      "content-security-policy": wasm ? POLICY : POLICY.replace(" 'wasm-unsafe-eval'", ""),
      "x-content-type-options": "nosniff",
      ...(isolated && ISOLATION_HEADERS),
    };
    const file = this.#files.get(pathname);
    const script = this.#scripts.get(pathname);
    if (file !== undefined) void file.answer(request, response, headers);
    else if (script !== undefined && pathname.endsWith(".wasm"))
      response.writeHead(200, { ...headers, "content-type": "application/wasm" }).end(script);
    else if (script !== undefined) {
      const before = pathname.includes("/worker-") ? `${beforeWorker};\n` : "";
      response.writeHead(200, { ...headers, "content-type": "text/javascript" }).end(before + String(script));
    } else if (pathname === "/") response.writeHead(200, { ...headers, "content-type": "text/html" }).end(PAGE);
    else response.writeHead(404, headers).end();
  }
}
