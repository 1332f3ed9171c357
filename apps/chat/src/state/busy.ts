import { computed, effect } from "@preact/signals";
import { generation } from "./generation.ts";
import { modelState } from "./model.ts";
import { transfer } from "./transfer.ts";

/** What a reload would break off in this tab: an answer, a model that is downloaded, loaded or measured, conversations that come or go. */
export const busy = computed(() => {
  const { at } = modelState.value;
  return generation.value !== null || at === "loading" || at === "measuring" || transfer.value !== null;
});

/** Held by every tab while it is busy, and by a tab that wants none to be. */
const LOCK = "longtab-busy";

/** From now on other tabs know when this one is busy. */
export function startBusy(): void {
  effect(() => {
    if (!busy.value) return undefined;
    const end = new AbortController();
    const held = () => new Promise((release) => end.signal.addEventListener("abort", release, { once: true }));
    locks()
      ?.request(LOCK, { mode: "shared", signal: end.signal }, held)
      .catch(() => undefined);
    return () => end.abort();
  });
}

/** Does something while no tab is busy. Rejects when it is aborted before that comes about. */
export async function whileIdle(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const alone = async (): Promise<void> => {
    await idle();
    if (!signal.aborted) await work();
  };
  await (locks()?.request(LOCK, { signal }, alone) ?? alone());
}

/** Resolves when this tab is not busy. */
export function idle(): Promise<void> {
  return new Promise((resolve) => {
    const end = effect(() => {
      if (busy.value) return;
      resolve();
      queueMicrotask(() => end());
    });
  });
}

/** Missing where a page has no secure context, which has no service worker either. */
function locks(): LockManager | undefined {
  return (navigator as Partial<Navigator>).locks;
}
