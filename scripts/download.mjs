import { open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * @typedef {object} DownloadOptions
 * @property {number} size bytes that the whole file must have
 * @property {number} [connectSeconds] until the answer's headers
 * @property {number} [stallSeconds] between two pieces of the body
 * @property {number} [retrySeconds] before the first retry of a broken transfer; the second waits twice as long, and so on
 * @property {(done: number) => void} [onProgress] bytes on disk
 */

/** Retries of a broken transfer that bring no new byte before it is given up. */
const FRUITLESS_RETRIES = 3;

/** A transfer that may go on where it broke. */
class Broken extends Error {}

/**
 * Downloads a file of known size to `path`, going on from the bytes that are there already (HTTP Range). The caller checks what the
 * bytes are. A server that never answers is given up at once, one that breaks off in the middle is asked again.
 * @param {string} url
 * @param {string} path kept when it fails: the next call resumes
 * @param {DownloadOptions} options
 */
export async function download(url, path, options) {
  let fruitless = 0;
  for (let have = await sizeOf(path); have !== options.size;) {
    try {
      await transfer(url, path, have > options.size ? 0 : have, options);
    } catch (error) {
      const now = await sizeOf(path);
      fruitless = now > have ? 0 : fruitless + 1;
      if (!(error instanceof Broken) || fruitless > FRUITLESS_RETRIES) throw error;
      await sleep((options.retrySeconds ?? 1) * 1000 * (fruitless + 1));
    }
    have = await sizeOf(path);
  }
}

/**
 * One request, from byte `start` to the end.
 * @param {string} url @param {string} path @param {number} start @param {DownloadOptions} options
 */
async function transfer(url, path, start, { size, connectSeconds = 10, stallSeconds = 30, onProgress }) {
  const stop = new AbortController();
  let reason = `no answer within ${connectSeconds} s`;
  let timer = setTimeout(() => stop.abort(), connectSeconds * 1000);
  try {
    /** @type {Record<string, string>} */
    const headers = { "accept-encoding": "identity" };
    if (start > 0) headers["range"] = `bytes=${start}-`;
    const response = await fetch(url, { headers, signal: stop.signal }).catch((/** @type {unknown} */ error) => {
      throw new Error(stop.signal.aborted ? reason : describe(error), { cause: error });
    });
    const file = await open(path, "a");
    try {
      let position = await accept(response, file, start, size);
      reason = `the transfer stalled for ${stallSeconds} s`;
      if (response.body === null) throw new Broken("the server sent an empty answer");
      const reader = response.body.getReader();
      for (;;) {
        clearTimeout(timer);
        timer = setTimeout(() => stop.abort(), stallSeconds * 1000);
        const { done, value } = await reader.read().catch((/** @type {unknown} */ error) => {
          throw new Broken(stop.signal.aborted ? reason : `the transfer broke off at byte ${position}: ${describe(error)}`, {
            cause: error,
          });
        });
        if (done) break;
        position += value.byteLength;
        if (position > size) throw new Error(`the server sends more than the ${size} bytes that the file has`);
        await file.write(value);
        onProgress?.(position);
      }
      if (position < size) throw new Broken(`the transfer ended at byte ${position} of ${size}`);
    } finally {
      await file.close();
    }
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

/**
 * Checks status and headers against what was asked for; returns the position of the body's first byte.
 * @param {Response} response @param {import("node:fs/promises").FileHandle} file @param {number} start @param {number} size
 */
async function accept(response, file, start, size) {
  const { status, headers } = response;
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    if (range?.[1] !== String(start))
      throw new Error(`the server sent the range "${headers.get("content-range")}" where byte ${start} was asked for`);
    if (range[2] !== "*" && range[2] !== String(size)) throw new Error(`the server's file has ${range[2]} bytes, the model ${size}`);
    return start;
  }
  // A server without ranges sends the whole file again, and one whose range ends earlier (416) has another file: start anew.
  if (status === 200 || status === 416) await file.truncate(0);
  if (status === 416 || status === 429 || status >= 500) throw new Broken(`the server answered ${status} ${response.statusText}`);
  if (status !== 200) throw new Error(`the server answered ${status} ${response.statusText}`);
  const length = headers.get("content-length");
  if (length !== null && Number(length) !== size) throw new Error(`the server's file has ${length} bytes, the model ${size}`);
  return 0;
}

/** @param {string} path */
async function sizeOf(path) {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** fetch says "fetch failed" and hides why in its cause. @param {unknown} error @returns {string} */
function describe(error) {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
