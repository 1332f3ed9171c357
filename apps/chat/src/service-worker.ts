import { isolate } from "./isolate-response.ts";
import { type Entry, Precache } from "./pwa/precache.ts";
import { APPLY, SHARE } from "./pwa/protocol.ts";
import { keepShared } from "./pwa/received-store.ts";

/**
 * The page's service worker. It keeps the version of the page that is in use in a cache, so that the page opens without a network and never
 * mixes two versions; makes the page cross-origin isolated on hosts that send no headers, so that the processor's threads may share memory;
 * and takes what is shared with the app. Everything else, and above all models, passes by untouched.
 */
/** The globals of a service worker, of which the compiler's library for pages knows nothing. */
interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface ServiceWorkerScope {
  readonly clients: { claim(): Promise<void> };
  readonly registration: ServiceWorkerRegistration;
  /** Written in by the build. */
  readonly precached: readonly Entry[];
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

declare const self: ServiceWorkerScope;

const { scope } = self.registration;
const share = new URL(SHARE, scope).href;
const page = new Precache(self.precached, scope);

/** What takes its isolation from its own headers. */
const ISOLATED: ReadonlySet<RequestDestination> = new Set(["document", "iframe", "worker", "sharedworker"]);

// A first version is used at once. A later one waits until the person says so or no tab is open: see state/update.ts.
self.addEventListener("install", (event) => event.waitUntil(page.fill()));
self.addEventListener("activate", (event) => event.waitUntil(page.deleteOthers().then(() => self.clients.claim())));
self.addEventListener("message", ({ data }) => {
  if (data === APPLY) void self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = addressOf(request);
  if (request.method === "POST" && request.mode === "navigate" && address === share) {
    event.respondWith(keepShared(request, scope).then((next) => Response.redirect(next, 303)));
  } else if (request.method === "GET" && page.has(address)) {
    event.respondWith(page.answer(address).then((response) => (ISOLATED.has(request.destination) ? isolate(response) : response)));
  }
});

/** Without what does not change the file: query and fragment. The page answers to its folder and to its file's name. */
function addressOf({ url, mode }: Request): string {
  const { origin, pathname } = new URL(url);
  const address = origin + pathname;
  return mode === "navigate" && address === `${scope}index.html` ? scope : address;
}
