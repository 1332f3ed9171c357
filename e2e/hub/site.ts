import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { type Behaviour, HostedFile } from "./hosted-file.ts";
import { listen, origin, stop } from "./server.ts";

const PAGE = '<!doctype html><title>Page</title><script type="module" src="/page.js"></script>';

/**
 * A page's own server: it sends the page for every path that it does not know, as servers of single-page apps do, and models under
 * /models/. At /sandboxed the page has no origin and so no storage, as where a browser blocks site data.
 */
export class Site {
  readonly #server: Server;
  readonly #script: string;
  readonly #files = new Map<string, HostedFile>();

  private constructor(script: string) {
    this.#script = script;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** `script` is the module that the page loads. */
  static async start(script: string): Promise<Site> {
    const site = new Site(script);
    await listen(site.#server);
    return site;
  }

  get base(): string {
    return origin(this.#server);
  }

  publish(name: string, bytes: Buffer, behaviour: Behaviour = {}): { file: HostedFile; url: string } {
    const file = new HostedFile(bytes, behaviour);
    this.#files.set(`/models/${name}`, file);
    return { file, url: `${this.base}/models/${name}` };
  }

  async close(): Promise<void> {
    await stop(this.#server);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? "/", this.base);
    const file = this.#files.get(pathname);
    if (file !== undefined) void file.answer(request, response, {});
    else if (pathname === "/page.js")
      response.writeHead(200, { "content-type": "text/javascript", "access-control-allow-origin": "*" }).end(this.#script);
    else {
      const sandbox = pathname === "/sandboxed" ? { "content-security-policy": "sandbox allow-scripts" } : {};
      response.writeHead(200, { "content-type": "text/html", ...sandbox }).end(PAGE);
    }
  }
}
