import { effect, signal } from "@preact/signals";
import { draft } from "./conversations.ts";
import { availability, expectedBackend, modelState } from "./model.ts";
import { dialog } from "./page.ts";
import { serviceWorkers } from "./registration.ts";

/**
 * Several threads on the processor share memory, which browsers allow to cross-origin isolated pages only. `npm start` sends the headers for
 * it; on a host that sends none the page's service worker adds them. A page takes its headers with it when it is opened, so the first visit
 * needs one reload: at its very beginning, only where the processor will run the model, and never when the person has begun something.
 */
export function startIsolation(): void {
  const workers = serviceWorkers();
  // A page that a worker served and that is not isolated will not be after a reload either.
  if (crossOriginIsolated || workers === undefined || workers.controller !== null) return;
  const controlled = signal(false);
  workers.addEventListener("controllerchange", () => (controlled.value = true), { once: true });
  const end = effect(() => {
    if (!controlled.value || availability.value === null) return;
    // Whether or not it is done now: a reload later would come out of the blue.
    queueMicrotask(() => end());
    if (expectedBackend.peek() === "cpu" && nothingBegun()) location.reload();
  });
}

/** True where the page will be isolated from its next reload on, when more threads may compute. */
export function isolatesNext(): boolean {
  return !crossOriginIsolated && (serviceWorkers()?.controller ?? null) !== null;
}

function nothingBegun(): boolean {
  const { at } = modelState.peek();
  return (at === "checking" || at === "idle") && draft.peek() === "" && dialog.peek() === null;
}
