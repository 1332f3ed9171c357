import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Behaviour, HostedFile } from "./hosted-file.ts";

/** What every answer of huggingface.co lets a page read; ETag, X-Linked-ETag and the rest are on redirects too, where no page sees them. */
const HUB_EXPOSES =
  "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash";
/** What its CDN lets a page read, and what it accepts in a preflight: neither Range nor If-Range. */
const CDN_EXPOSES = "Accept-Ranges, Content-Range, Content-Type, Content-Disposition, ETag, X-Cache";
const CDN_ALLOWS = "Content-Range, Content-Type, Content-Disposition, ETag";
const COMMIT = "ab810cf68114990406fdf996510dd3d3c6adbdf5";

/**
 * A server that behaves to a browser as the Hugging Face hub does, on two ports and thus two origins: the hub, which redirects
 * "/owner/repo/resolve/revision/path" and answers paths-info, and its CDN, which sends the bytes.
 * Headers as observed on huggingface.co, cas-bridge.xethub.hf.co and us.aws.cdn.hf.co in 2025 and 2026.
 */
export class Hub {
  readonly #hub: Server;
  readonly #cdn: Server;
  /** By "owner/repo/path". */
  readonly #files = new Map<string, HostedFile>();
  /** Preflights that reached either server; a page that needs none works with the CDN as it is. */
  preflights = 0;
  /** Paths of the API that were asked. */
  readonly apiRequests: string[] = [];
  /** False: the API fails, and nothing states a checksum. */
  apiWorks = true;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answerHub(request, response));
    this.#cdn = createServer((request, response) => this.#answerCdn(request, response));
  }

  static async start(): Promise<Hub> {
    const hub = new Hub();
    await Promise.all([listen(hub.#hub), listen(hub.#cdn)]);
    return hub;
  }

  /** The hub's base, without a slash at its end. */
  get base(): string {
    return origin(this.#hub);
  }

  /** Puts a file into a repository, in place of one of the same name. */
  publish(repo: string, path: string, bytes: Buffer, behaviour: Behaviour = {}): { file: HostedFile; url: string } {
    const file = new HostedFile(bytes, behaviour);
    this.#files.set(`${repo}/${path}`, file);
    return { file, url: `${this.base}/${repo}/resolve/main/${path}` };
  }

  async close(): Promise<void> {
    await Promise.all([stop(this.#hub), stop(this.#cdn)]);
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? "/", this.base);
    const cors = {
      "access-control-allow-origin": request.headers.origin ?? "https://huggingface.co",
      "access-control-expose-headers": HUB_EXPOSES,
      vary: "Origin",
    };
    if (request.method === "OPTIONS") {
      this.preflights += 1;
      response
        .writeHead(204, {
          ...cors,
          "access-control-allow-methods": "GET, HEAD, POST",
          "access-control-allow-headers": "Content-Type, Authorization, Range",
        })
        .end();
      return;
    }
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/paths-info\/[^/]+$/.exec(pathname);
    if (request.method === "POST" && api !== null) {
      this.apiRequests.push(pathname);
      void readBody(request).then((body) => {
        const status = this.apiWorks ? 200 : 500;
        response.writeHead(status, { ...cors, "content-type": "application/json" });
        response.end(
          JSON.stringify(this.apiWorks ? this.#pathsInfo(api[1] ?? "", requestedPaths(request, body)) : { error: "out of order" }),
        );
      });
      return;
    }
    const match = /^\/([^/]+\/[^/]+)\/resolve\/[^/]+\/(.+)$/.exec(pathname);
    const key = match === null ? "" : `${match[1]}/${decodeURIComponent(match[2] ?? "")}`;
    const file = this.#files.get(key);
    if (file === undefined) {
      response
        .writeHead(404, { ...cors, "content-type": "text/plain; charset=utf-8", "x-error-code": "EntryNotFound" })
        .end("Entry not found");
      return;
    }
    response.writeHead(302, {
      ...cors,
      location: `${origin(this.#cdn)}/xet-bridge-us/${encodeURIComponent(key)}?X-Xet-Cas-Uid=public&Signature=${Date.now()}`,
      "x-repo-commit": COMMIT,
      "x-linked-size": file.bytes.length,
      "x-linked-etag": `"${file.sha256}"`,
      "accept-ranges": "bytes",
    });
    response.end();
  }

  /** `lfs.oid` is the SHA-256 of the file; `oid` is git's hash of the pointer to it. */
  #pathsInfo(repo: string, paths: string[]): unknown[] {
    return paths.flatMap((path) => {
      const file = this.#files.get(`${repo}/${path}`);
      if (file === undefined) return [];
      return [
        { type: "file", path, oid: COMMIT, size: file.bytes.length, lfs: { oid: file.sha256, size: file.bytes.length, pointerSize: 134 } },
      ];
    });
  }

  #answerCdn(request: IncomingMessage, response: ServerResponse): void {
    const cors = {
      "access-control-allow-origin": "*",
      "access-control-allow-headers": CDN_ALLOWS,
      "access-control-expose-headers": CDN_EXPOSES,
    };
    if (request.method === "OPTIONS") {
      this.preflights += 1;
      response.writeHead(200, cors).end();
      return;
    }
    const { pathname } = new URL(request.url ?? "/", origin(this.#cdn));
    const file = this.#files.get(decodeURIComponent(pathname.replace("/xet-bridge-us/", "")));
    if (file === undefined) response.writeHead(403, cors).end();
    else void file.answer(request, response, { ...cors, "x-cache": "Miss from cloudfront" });
  }
}

export async function listen(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
}

/** Also ends transfers under way. */
export async function stop(server: Server): Promise<void> {
  const closed = new Promise((resolve) => {
    server.close(resolve);
  });
  server.closeAllConnections();
  await closed;
}

export function origin(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** The API takes JSON (huggingface.js) and a form (huggingface_hub). */
function requestedPaths(request: IncomingMessage, body: string): string[] {
  if (request.headers["content-type"]?.startsWith("application/json") === true) return (JSON.parse(body) as { paths: string[] }).paths;
  return new URLSearchParams(body).getAll("paths");
}
