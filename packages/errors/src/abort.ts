import { LongtabError } from "./error.ts";

/** What an aborted request fails with, whatever reason the caller gave; the reason is the cause. */
export function aborted(signal: AbortSignal): LongtabError {
  return new LongtabError({ code: "aborted", what: "The request was aborted", cause: signal.reason });
}

/** @throws LongtabError `aborted` */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

/**
 * The promise's result, or `aborted` as soon as the signal says so: work that is already under way runs on, and whoever waited
 * for it is free at once.
 */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  // A rejection of work that nobody waits for any more is not news.
  work.catch(() => {});
  throwIfAborted(signal);
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(aborted(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
