import { computed, signal } from "@preact/signals";
import { Longtab } from "../longtab.ts";
import { installWords } from "../text/install-words.ts";

/** Chromium's offer to install the page; the compiler's library does not know it. */
interface InstallPromptEvent extends Event {
  prompt(): Promise<{ outcome: "accepted" | "dismissed" }>;
}

const offer = signal<InstallPromptEvent | null>(null);
const STANDALONE = matchMedia("(display-mode: standalone), (display-mode: window-controls-overlay), (display-mode: minimal-ui)");
/** Runs in a window of its own, or was installed a moment ago. */
const installed = signal(STANDALONE.matches || (navigator as { standalone?: boolean }).standalone === true);

/** How this page can be installed: by the browser's own question, by hand as described, or not at all. */
export type Installation = { by: "prompt" } | { by: "hand"; how: string } | { by: "none" };

export const installation = computed<Installation>(() => {
  if (installed.value) return { by: "none" };
  if (offer.value !== null) return { by: "prompt" };
  const how = installWords(navigator.userAgent, navigator.maxTouchPoints);
  return how === undefined ? { by: "none" } : { by: "hand", how };
});

/** Before anything is awaited: the browser makes its offer once, and early. */
export function startInstallation(): void {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer.value = event as InstallPromptEvent;
  });
  addEventListener("appinstalled", () => {
    installed.value = true;
    offer.value = null;
    // An app that was installed is meant to stay, and so is what it stores.
    void Longtab.models.persist().catch(() => false);
  });
}

export async function install(): Promise<void> {
  const event = offer.peek();
  if (event === null) return;
  // It can be used once; where it is turned down the browser makes another one later.
  offer.value = null;
  await event.prompt();
}
