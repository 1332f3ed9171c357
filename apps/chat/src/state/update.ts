import { computed, signal } from "@preact/signals";
import { APPLY } from "../pwa/protocol.ts";
import { busy, idle, whileIdle } from "./busy.ts";
import { noteReach } from "./connection.ts";
import { writeDrafts } from "./drafts.ts";
import { loadedModel, loadModel, modelState, storedChoice } from "./model.ts";
import { registerServiceWorker, serviceWorkers } from "./registration.ts";

/** A version of the page that is stored and waits to be used. */
const waiting = signal<ServiceWorker | null>(null);
/** The person asked for it, and other tabs are not done yet; aborted when the person thinks better of it. */
const asked = signal<AbortController | null>(null);
const putOff = signal(false);

/** What the page says of a new version: nothing while it has something to do. */
export const update = computed<"none" | "offered" | "waiting for tabs">(() => {
  if (asked.value !== null) return "waiting for tabs";
  return waiting.value !== null && !busy.value && !putOff.value ? "offered" : "none";
});

/** Who leaves a tab open for days learns of a new version when coming back to it. */
const LOOK_EVERY_MS = 60 * 60 * 1000;
/** In sessionStorage: a model was loaded when the page was reloaded for a new version. */
const RESUME_KEY = "longtab-resume";

export function startUpdates(): void {
  const workers = serviceWorkers();
  if (workers === undefined) return;
  // The first service worker of all takes over without a new version. Any later change means that this page's files are of an old one.
  let known = workers.controller !== null;
  workers.addEventListener("controllerchange", () => {
    if (known) void reloadWhenIdle();
    known = true;
  });
  void registerServiceWorker(!crossOriginIsolated).then((registration) => {
    if (registration !== undefined) follow(registration, workers);
  });
}

function follow(registration: ServiceWorkerRegistration, workers: ServiceWorkerContainer): void {
  const look = (): void => {
    // The first version of all is not new to anybody.
    if (workers.controller !== null) waiting.value = registration.waiting;
  };
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", look));
  look();
  let lookedAt = performance.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || performance.now() - lookedAt < LOOK_EVERY_MS) return;
    lookedAt = performance.now();
    registration.update().then(
      () => noteReach(true),
      () => noteReach(false),
    );
  });
}

/** Takes the new version as soon as no tab has anything to do. All tabs are reloaded then: none may ask for files that are no longer there. */
export async function applyUpdate(): Promise<void> {
  const next = waiting.peek();
  if (next === null || asked.peek() !== null) return;
  const controller = new AbortController();
  asked.value = controller;
  try {
    await whileIdle(async () => {
      next.postMessage(APPLY);
      // Until the reload, which ends everything here: no tab begins anything meanwhile.
      await new Promise((resolve) => setTimeout(resolve, TAKE_OVER_MS));
    }, controller.signal);
  } catch {
    // Put off again.
  }
  asked.value = null;
}

/** A service worker takes over within milliseconds; where it does not, the page goes on as it is. */
const TAKE_OVER_MS = 10_000;

/** Not now. A version that waits is used at the latest when all tabs of the page were closed. */
export function putOffUpdate(): void {
  asked.peek()?.abort();
  putOff.value = true;
}

async function reloadWhenIdle(): Promise<void> {
  await idle();
  await writeDrafts();
  remember(loadedModel.peek() !== null);
  location.reload();
}

/** After such a reload the model that was loaded is loaded again. */
export async function resumeModel(): Promise<void> {
  if (!remembered()) return;
  remember(false);
  if (modelState.peek().at === "idle" && storedChoice.peek()?.complete === true) await loadModel();
}

// Storage is refused in some private windows: then the person starts the model.
function remember(loaded: boolean): void {
  try {
    if (loaded) sessionStorage.setItem(RESUME_KEY, "true");
    else sessionStorage.removeItem(RESUME_KEY);
  } catch {
    // See above.
  }
}

function remembered(): boolean {
  try {
    return sessionStorage.getItem(RESUME_KEY) !== null;
  } catch {
    return false;
  }
}
