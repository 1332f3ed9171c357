import { LongtabError } from "@longtab/errors";

export function aborted(cause?: unknown): LongtabError {
  return new LongtabError({
    code: "aborted",
    what: "Loading was stopped",
    remedy: "load again to go on: what is stored already is kept",
    cause,
  });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal.reason);
}

/** @throws `aborted` as soon as the signal says so */
export async function delay(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
  });
  throwIfAborted(signal);
}
