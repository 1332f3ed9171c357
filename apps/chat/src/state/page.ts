import { signal } from "@preact/signals";

/** What of the page is open. */
export type Dialog = "settings" | "models" | "shortcuts";

export const dialog = signal<Dialog | null>(null);

const NARROW = matchMedia("(width < 56rem)");
/** On a narrow screen the sidebar is a drawer over the conversation. */
export const narrow = signal(NARROW.matches);
export const sidebarOpen = signal(!NARROW.matches);

NARROW.addEventListener("change", () => {
  narrow.value = NARROW.matches;
  sidebarOpen.value = !NARROW.matches;
});

export function closeDrawer(): void {
  if (narrow.peek()) sidebarOpen.value = false;
}

const COMPOSER_ID = "composer";
export const SEARCH_ID = "chat-search";

/** Opens the list of conversations where it is closed. */
export function focusSearch(): void {
  sidebarOpen.value = true;
  requestAnimationFrame(() => document.getElementById(SEARCH_ID)?.focus());
}

export function focusComposer(): void {
  document.getElementById(COMPOSER_ID)?.focus();
}
