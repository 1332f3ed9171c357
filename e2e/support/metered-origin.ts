import { once } from "node:events";
import { type IncomingMessage, type Server, type ServerResponse, createServer, request as ask } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { listen, origin, stop } from "../hub/server.ts";

/** The page's own server seen through a wire: it counts the requests for models, and can be slow. */
export class MeteredOrigin {
  readonly #server: Server;
  /** The Range header of every GET for a model. */
  readonly ranges: (string | undefined)[] = [];
  /** Bytes a second at which models travel. */
  speed = Infinity;
  /** False: without the headers that isolate a page, as from a static host. */
  isolating = true;

  private constructor(target: string) {
    this.#server = createServer((request, response) => void this.#pass(target, request, response));
  }

  static async start(target: string): Promise<MeteredOrigin> {
    const metered = new MeteredOrigin(target);
    await listen(metered.#server);
    return metered;
  }

  get url(): string {
    return origin(this.#server);
  }

  async close(): Promise<void> {
    await stop(this.#server);
  }

  async #pass(target: string, { method = "GET", url = "/", headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const isModel = url.startsWith("/models/");
    if (isModel && method === "GET") this.ranges.push(headers.range);
    const upstream = ask(new URL(url, target), { method, headers }).end();
    const [answer] = (await once(upstream, "response")) as [IncomingMessage];
    const kept = Object.entries(answer.headers).filter(([name]) => this.isolating || !name.startsWith("cross-origin-"));
    response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
    // The browser may leave in the middle: then there is nobody to send to.
    await pipeline(answer, (pieces: AsyncIterable<Buffer>) => (isModel ? this.#paced(pieces) : pieces), response).catch(() => undefined);
  }

  async *#paced(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      yield piece;
      if (this.speed < Infinity) await sleep((piece.length / this.speed) * 1000);
    }
  }
}
