import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** What can be wrong with a server. A test may change it while a download runs. */
export interface Behaviour {
  /** Ignores Range and sends the whole file with status 200. */
  noRange?: boolean;
  /** Bytes after which each of the next answers is cut off; taken from the front, one an answer. */
  breakAfter?: number[];
  /** Bytes after which each of the next answers falls silent without ending. */
  stallAfter?: number[];
  /** What the file holds from each of the next answers on; taken from the front. */
  contents?: Buffer[];
  bytesPerSecond?: number;
  /** Answers with this status and no file. */
  status?: number;
  /** Statuses of the next answers, one each; then the file. */
  statuses?: number[];
  /** Answers with a web page and status 200, as the server of a single-page app does. */
  html?: boolean;
  /** States this size in place of the file's own. */
  statedSize?: number;
  /** States no size at all (and has no Range). */
  hideSize?: boolean;
  /** Sends no ETag. */
  noETag?: boolean;
}

export interface AnsweredRequest {
  method: string;
  /** The Range header. */
  range: string | undefined;
  /** Names of all headers, in lower case. */
  headers: string[];
  status: number;
  /** Bytes of the file that were written to the socket. */
  sent: number;
}

const PIECE_BYTES = 64 * 1024;

/** A file on a server: its bytes, how the server behaves, and what was asked of it. */
export class HostedFile {
  bytes: Buffer;
  behaviour: Behaviour;
  /** GET and HEAD requests in order. */
  readonly requests: AnsweredRequest[] = [];
  readonly #open = new Set<ServerResponse>();

  constructor(bytes: Buffer, behaviour: Behaviour = {}) {
    this.bytes = bytes;
    this.behaviour = behaviour;
  }

  get sha256(): string {
    return createHash("sha256").update(this.bytes).digest("hex");
  }

  /** Changes with the bytes, looks like a SHA-256 and is none: the same is true of the Xet hash that the hub's CDN sends. */
  get etag(): string {
    return `"${createHash("sha256").update("xet").update(this.bytes).digest("hex")}"`;
  }

  /** Bytes sent in all answers together. */
  get sent(): number {
    return this.requests.reduce((sum, request) => sum + request.sent, 0);
  }

  /** The Range header of every request. */
  get ranges(): (string | undefined)[] {
    return this.requests.map(({ range }) => range);
  }

  /** The first byte that every request asked for. */
  get starts(): number[] {
    return this.ranges.map((range) => parseRange(range)?.first ?? 0);
  }

  get size(): number {
    return this.behaviour.statedSize ?? this.bytes.length;
  }

  /** Breaks the connections over which the file is being sent. */
  cut(): void {
    for (const response of this.#open) response.destroy();
  }

  async answer(request: IncomingMessage, response: ServerResponse, headers: OutgoingHttpHeaders): Promise<void> {
    const { behaviour } = this;
    this.bytes = behaviour.contents?.shift() ?? this.bytes;
    const range = behaviour.noRange === true || behaviour.hideSize === true ? undefined : parseRange(request.headers.range);
    const first = range?.first ?? 0;
    const end = Math.min(range?.end ?? Infinity, this.bytes.length);
    const status = behaviour.status ?? behaviour.statuses?.shift() ?? (range === undefined ? 200 : first >= this.bytes.length ? 416 : 206);
    const log: AnsweredRequest = {
      method: request.method ?? "",
      range: request.headers.range,
      headers: Object.keys(request.headers),
      status,
      sent: 0,
    };
    this.requests.push(log);
    if (behaviour.html === true) {
      response.writeHead(200, { ...headers, "content-type": "text/html; charset=utf-8" }).end("<!doctype html><title>App</title>");
      return;
    }
    if (status !== 200 && status !== 206) {
      response.writeHead(status, { ...headers, "content-type": "text/plain" }).end(`status ${status}`);
      return;
    }
    response.writeHead(status, {
      ...headers,
      "content-type": "application/octet-stream",
      ...(behaviour.noETag === true ? {} : { etag: this.etag }),
      ...(behaviour.noRange === true ? {} : { "accept-ranges": "bytes" }),
      ...(status === 206 ? { "content-range": `bytes ${first}-${end - 1}/${this.size}` } : {}),
      // A wrong size goes with a chunked body: HTTP itself would catch a wrong Content-Length.
      ...(behaviour.hideSize === true || (status === 206 && behaviour.statedSize !== undefined)
        ? {}
        : { "content-length": this.size - first - (this.bytes.length - end) }),
    });
    if (request.method === "HEAD") response.end();
    else await this.#send(this.bytes.subarray(first, end), response, log);
  }

  async #send(bytes: Buffer, response: ServerResponse, log: AnsweredRequest): Promise<void> {
    const breakAt = this.behaviour.breakAfter?.shift() ?? Infinity;
    const stallAt = this.behaviour.stallAfter?.shift() ?? Infinity;
    const gone = once(response, "close");
    this.#open.add(response);
    void gone.then(() => this.#open.delete(response));
    while (log.sent < bytes.length && !response.destroyed) {
      const length = Math.min(PIECE_BYTES, breakAt - log.sent, stallAt - log.sent);
      if (length === 0) {
        // Let what was written reach the browser before the connection ends.
        if (log.sent === stallAt) return;
        await sleep(200);
        response.destroy();
        return;
      }
      const piece = bytes.subarray(log.sent, log.sent + length);
      const flushed = response.write(piece);
      log.sent += piece.length;
      if (!flushed) await Promise.race([once(response, "drain"), gone]);
      const { bytesPerSecond } = this.behaviour;
      if (bytesPerSecond !== undefined) await sleep((piece.length / bytesPerSecond) * 1000);
    }
    response.end();
  }
}

function parseRange(header: string | undefined): { first: number; end: number } | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? "");
  if (match === null) return undefined;
  return { first: Number(match[1]), end: match[2] === "" ? Infinity : Number(match[2]) + 1 };
}

/** Bytes that look random and are the same for the same seed (mulberry32). */
export function seededBytes(seed: number, length: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let i = 0; i < words.length; i += 1) {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    words[i] = word ^ (word >>> 14);
  }
  return Buffer.from(words.buffer, 0, length);
}
