import { isolate } from "./isolate-response.ts";

/**
 * The page's service worker: it makes the page cross-origin isolated on hosts that send no headers, so that the processor's threads may share
 * memory. Only documents and workers need the headers; all else, and above all models, passes by untouched.
 */
/** The globals of a service worker, of which the compiler's library for pages knows nothing. */
interface ServiceWorkerScope {
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: { waitUntil(work: Promise<unknown>): void }) => void): void;
  addEventListener(type: "fetch", listener: (event: { request: Request; respondWith(answer: Promise<Response>): void }) => void): void;
}

const scope = globalThis as unknown as ServiceWorkerScope;

const ISOLATED: ReadonlySet<RequestDestination> = new Set(["document", "iframe", "worker", "sharedworker"]);

scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  if (ISOLATED.has(request.destination) && new URL(request.url).origin === location.origin) event.respondWith(fetch(request).then(isolate));
});
