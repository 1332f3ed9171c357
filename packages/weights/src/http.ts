import { LongtabError } from "@longtab/errors";
import { release } from "@longtab/formats";
import { findBlock } from "@longtab/origin";
import { aborted } from "./abort.ts";
import { parseSha256 } from "./sha256.ts";

/** No model file is near this size; a server that states more is wrong, and its number would reach storage estimates and arrays. */
export const LARGEST_FILE = 64 * 2 ** 30;

export interface FileResponse {
  /** Bytes of the whole file, as the server states them. */
  total: number;
  /** ETag or else Last-Modified: a different one means a different file. Undefined where the server shows neither. */
  validator: string | undefined;
  /** From X-Linked-ETag, which a page can read where its own server sends the file and no redirect hides it. */
  sha256: string | undefined;
  /** The bytes from the one asked for, in pieces as they arrive, each good until the next is asked for. */
  pieces: AsyncGenerator<Uint8Array, void>;
  /** Ends the connection, whether or not all pieces were taken. To be called in any case. */
  close(): void;
}

export interface ConnectionOptions {
  signal?: AbortSignal | undefined;
  /** A connection that is silent for so long is taken as broken. */
  stallMs: number;
}

/**
 * Asks for a file's bytes from `start` to its end, or to `end` (exclusive), of a server with or without Range.
 *
 * Only headers that need no CORS preflight are sent: a simple Range is one of them, If-Range is not, and the hub's CDN refuses it.
 * So the validator of every answer is compared with the first one's instead, which tells the same.
 * @throws `model-not-found`, `network-failed`, `policy-blocked`, `offline`, `source-changed`, `file-limit`, `aborted`
 */
export async function openFile(url: string, start: number, end: number | undefined, options: ConnectionOptions): Promise<FileResponse> {
  const stall = new AbortController();
  const connection: Connection = { url, stall, options };
  const signal = options.signal === undefined ? stall.signal : AbortSignal.any([options.signal, stall.signal]);
  const response = await waiting(connection, async () =>
    fetch(url, {
      headers: { Range: `bytes=${start}-${end === undefined ? "" : end - 1}` },
      // The bytes are kept here; the HTTP cache would hold them a second time.
      cache: "no-store",
      signal,
    }),
  );
  try {
    const { total, first } = interpret(response, url, start);
    return {
      total,
      validator: response.headers.get("etag") ?? response.headers.get("last-modified") ?? undefined,
      sha256: parseSha256(response.headers.get("x-linked-etag")),
      pieces: readPieces(connection, response, start - first, end === undefined ? Infinity : end - start),
      close: () => stall.abort(),
    };
  } catch (error) {
    stall.abort();
    throw error;
  }
}

/** Status and headers to the file's size and the offset of the body's first byte. */
function interpret(response: Response, url: string, start: number): { total: number; first: number } {
  const { status, headers } = response;
  // A page's server that knows no such file often answers with the page itself.
  if (response.ok && /^text\/html\b/i.test(headers.get("content-type") ?? "")) throw notFound(url, "a web page in place of the file");
  if (status === 416 && start > 0) throw sourceChanged(url, "it has become shorter");
  if (status >= 500 || [408, 416, 425, 429].includes(status)) throw networkFailed(`${shownUrl(url)} answered with status ${status}`);
  if (status !== 200 && status !== 206) throw notFound(url, `status ${status}`);
  const length = parseCount(headers.get("content-length"));
  const range = status === 206 ? parseContentRange(headers.get("content-range")) : undefined;
  const first = range?.first ?? (status === 206 ? start : 0);
  if (first > start) throw networkFailed(`${shownUrl(url)} answered with another range than the one asked for`);
  // Where Content-Range is hidden from the page, the length of an open range tells the size as well.
  const total = range?.total ?? (length === undefined ? undefined : first + length);
  if (total === undefined) throw networkFailed(`${shownUrl(url)} does not state the size of the file`);
  if (total === 0) throw notFound(url, "an empty file");
  if (total > LARGEST_FILE) {
    throw new LongtabError({
      code: "file-limit",
      what: `${shownUrl(url)} states an impossible size`,
      value: total,
      limit: LARGEST_FILE,
      remedy: "check the address",
    });
  }
  return { total, first };
}

/** "bytes 0-99/1000"; a total of "*" is unknown. */
export function parseContentRange(header: string | null): { first: number; total: number | undefined } | undefined {
  const match = /^bytes (\d{1,16})-\d{1,16}\/(\d{1,16}|\*)$/i.exec(header?.trim() ?? "");
  const first = parseCount(match?.[1]);
  return first === undefined ? undefined : { first, total: parseCount(match?.[2]) };
}

function parseCount(text: string | null | undefined): number | undefined {
  const count = /^\d{1,16}$/.test(text ?? "") ? Number(text) : undefined;
  return Number.isSafeInteger(count) ? count : undefined;
}

interface Connection {
  url: string;
  stall: AbortController;
  options: ConnectionOptions;
}

async function* readPieces(connection: Connection, response: Response, skip: number, length: number): AsyncGenerator<Uint8Array, void> {
  // Not `for await (… of response.body)`: Safari's streams learnt that only lately.
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let toSkip = skip;
  let left = length;
  while (left > 0) {
    const { done, value } = await waiting(connection, async () => reader.read());
    if (done) return;
    const skipped = Math.min(toSkip, value.length);
    toSkip -= skipped;
    const piece = value.subarray(skipped, skipped + left);
    left -= piece.length;
    if (piece.length > 0) yield piece;
    release(value);
  }
}

/** One wait for the network: bounded in time, and its failure put into words. */
async function waiting<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  const { url, stall, options } = connection;
  const timer = setTimeout(() => stall.abort(), options.stallMs);
  try {
    return await work();
  } catch (error) {
    if (options.signal?.aborted === true) throw aborted(error);
    if (stall.signal.aborted) throw networkFailed(`${shownUrl(url)} sent nothing for ${Math.round(options.stallMs / 1000)} s`, error);
    if (!navigator.onLine) {
      const remedy = "connect and load again: what is stored already is kept";
      throw new LongtabError({
        code: "offline",
        what: `The device is offline, so ${shownUrl(url)} cannot be reached`,
        remedy,
        cause: error,
      });
    }
    const blocked = await findBlock("connect-src", url);
    if (blocked) throw blocked;
    throw networkFailed(`The connection to ${shownUrl(url)} failed`, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Query strings hold signatures and tokens, which belong in no message. */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/, "");
}

export function networkFailed(what: string, cause?: unknown): LongtabError {
  return new LongtabError({ code: "network-failed", what, remedy: "load again: what is stored already is kept", cause });
}

export function notFound(url: string, answer: string): LongtabError {
  return new LongtabError({
    code: "model-not-found",
    what: `${shownUrl(url)} answered with ${answer}`,
    remedy: "check the model's name and address",
  });
}

export function sourceChanged(url: string, how: string): LongtabError {
  return new LongtabError({
    code: "source-changed",
    what: `The file at ${shownUrl(url)} has changed while it was loaded: ${how}`,
    remedy: "load again, from the beginning",
  });
}
