import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { stripShaders } from "../../scripts/strip-shaders.mjs";
import { type Behaviour, HostedFile } from "../hub/hosted-file.ts";
import { listen, origin, stop } from "../hub/server.ts";

const PAGE = '<!doctype html><html lang="en"><title>A page that uses Longtab</title><script type="module" src="/page.js"></script></html>';

/** As strict as a page can be: what Longtab needs is its own scripts, its worker and the way to the models. */
const POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self' https://huggingface.co";

/** The scripts of packages/longtab/test/page.ts, built as a user's bundler builds them, by path. */
export async function buildLibraryPage(): Promise<Map<string, string>> {
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
  return new Map(bundle.output.map((file) => [`/${file.fileName}`, file.type === "chunk" ? file.code : String(file.source)]));
}

/** A site whose page uses the library, under a strict policy, with model files that behave as a test wants. */
export class LibrarySite {
  readonly #server: Server;
  readonly #scripts: ReadonlyMap<string, string>;
  readonly #files = new Map<string, HostedFile>();

  private constructor(scripts: ReadonlyMap<string, string>) {
    this.#scripts = scripts;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(scripts: ReadonlyMap<string, string>): Promise<LibrarySite> {
    const site = new LibrarySite(scripts);
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
    const headers = { "content-security-policy": POLICY, "x-content-type-options": "nosniff" };
    const file = this.#files.get(pathname);
    const script = this.#scripts.get(pathname);
    if (file !== undefined) void file.answer(request, response, headers);
    else if (script !== undefined) response.writeHead(200, { ...headers, "content-type": "text/javascript" }).end(script);
    else if (pathname === "/") response.writeHead(200, { ...headers, "content-type": "text/html" }).end(PAGE);
    else response.writeHead(404, headers).end();
  }
}
