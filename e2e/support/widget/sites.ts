import { readFileSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { extname, join } from "node:path";
import { tinyModel } from "@longtab/formats/testing";
import { bundleEmbed } from "../../../scripts/build-embed.mjs";
import { defaultModel, modelsFolder } from "../../../scripts/catalogue.mjs";
import { HostedFile } from "../../hub/hosted-file.ts";
import { listen, origin, stop } from "../../hub/server.ts";

const TYPES: Record<string, string> = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/** A public host of the built widget and of models: any page may read what it sends. */
export class Cdn {
  readonly #server: Server;
  readonly #files: ReadonlyMap<string, string | Uint8Array>;
  readonly #models = new Map<string, HostedFile>();
  /** "GET /path" of every request, in order. */
  requests: string[] = [];

  private constructor(files: ReadonlyMap<string, string | Uint8Array>) {
    this.#files = files;
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.publish("tiny.gguf", tinyModel());
    // An answer of this one does not end before a test has done something in its middle.
    this.publish("slow.gguf", tinyModel({ hidden: 512, ffn: 2048, layers: 8, vocabulary: 8192, contextLength: 4096 }));
  }

  static async start(): Promise<Cdn> {
    const { output } = await bundleEmbed({ write: false });
    const cdn = new Cdn(new Map(output.map((file) => [`/${file.fileName}`, file.type === "chunk" ? file.code : file.source])));
    await listen(cdn.#server);
    return cdn;
  }

  get base(): string {
    return origin(this.#server);
  }

  publish(name: string, bytes: Uint8Array): HostedFile {
    const file = new HostedFile(Buffer.from(bytes));
    this.#models.set(`/models/${name}`, file);
    return file;
  }

  /** The catalogue's first model, as `model-base` finds it. */
  publishDefaultModel(): HostedFile {
    const { file } = defaultModel();
    return this.#models.get(`/models/${file}`) ?? this.publish(file, readFileSync(join(modelsFolder(), file)));
  }

  async close(): Promise<void> {
    await stop(this.#server);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? "/", this.base);
    this.requests.push(`${request.method} ${pathname}`);
    const cors = {
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "content-range, etag",
      "cache-control": "no-store",
    };
    const model = this.#models.get(pathname);
    const file = this.#files.get(pathname);
    if (model !== undefined) void model.answer(request, response, cors);
    else if (file === undefined) response.writeHead(404, cors).end();
    else response.writeHead(200, { ...cors, "content-type": TYPES[extname(pathname)] ?? "application/octet-stream" }).end(file);
  }
}

/** A page that has the widget: what stands in its head and body, and its policy. */
export interface HostPage {
  body: string;
  head?: string;
  html?: string;
  /** Default: the strictest that the widget works under. Empty: none. */
  policy?: string;
  isolated?: boolean;
}

/** Somebody else's site, on another origin than the widget's script. */
export class HostSite {
  readonly #server: Server;
  readonly #cdn: Cdn;
  readonly #pages = new Map<string, HostPage>();

  private constructor(cdn: Cdn) {
    this.#cdn = cdn;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(cdn: Cdn): Promise<HostSite> {
    const site = new HostSite(cdn);
    await listen(site.#server);
    return site;
  }

  /** What README.md tells a page's owner to write, with nothing in it for styles. */
  get strictPolicy(): string {
    const { base } = this.#cdn;
    return `default-src 'none'; script-src ${base} 'wasm-unsafe-eval'; worker-src blob:; connect-src ${base}; style-src 'none'; img-src data:`;
  }

  /** @returns its address. */
  publish(page: HostPage): string {
    const path = `/page-${this.#pages.size + 1}`;
    this.#pages.set(path, page);
    return `${origin(this.#server)}${path}`;
  }

  async close(): Promise<void> {
    await stop(this.#server);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const page = this.#pages.get(new URL(request.url ?? "/", "http://host").pathname);
    if (page === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { body, head = "", html = 'lang="en"', policy = this.strictPolicy, isolated = false } = page;
    response.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      ...(policy !== "" && { "content-security-policy": policy }),
      ...(isolated && { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" }),
    });
    response.end(
      `<!doctype html><html ${html}><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Somebody’s page</title>${head}` +
        `<script type="module" nonce="n" src="${this.#cdn.base}/longtab-chat.js"></script></head><body>${body}</body></html>`,
    );
  }
}
