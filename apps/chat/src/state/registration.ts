/** Served by every host beside the page; see service-worker.ts. */
const SCRIPT = "./service-worker.js";
/** The service worker stores the page anew after each change of it: that may wait until the page itself is there. */
const LATEST_MS = 4000;

let registered: Promise<ServiceWorkerRegistration | undefined> | undefined;

/** Undefined in browsers that have none, or refuse it in a private window. */
export function serviceWorkers(): ServiceWorkerContainer | undefined {
  return (navigator as Partial<Navigator>).serviceWorker;
}

/** Registers the service worker, or looks whether there is a new one: at once, or where nothing waits for it when the page has a moment. */
export function registerServiceWorker(urgent: boolean): Promise<ServiceWorkerRegistration | undefined> {
  registered ??= (urgent ? Promise.resolve() : quiet()).then(register).catch(() => undefined);
  return registered;
}

async function register(): Promise<ServiceWorkerRegistration | undefined> {
  // Vite's development server compiles each file when it is asked for: nothing could be kept.
  if (import.meta.env.DEV) return undefined;
  return serviceWorkers()?.register(new URL(SCRIPT, document.baseURI), { updateViaCache: "none" });
}

async function quiet(): Promise<void> {
  if (document.readyState !== "complete") await new Promise((loaded) => addEventListener("load", loaded, { once: true }));
  await new Promise<void>((resolve) => {
    // Safari has no idle callbacks.
    if ("requestIdleCallback" in globalThis) requestIdleCallback(() => resolve(), { timeout: LATEST_MS });
    else setTimeout(resolve, LATEST_MS / 4);
  });
}
