import { effect, signal } from "@preact/signals";
import type { BackendChoice } from "../longtab.ts";
import { CHAT_DEFAULTS, type ChatSettings, readChatSettings } from "./chat-settings.ts";

/** What a person chose, kept in localStorage: small, and readable before the first paint. */
export interface Settings {
  theme: Theme;
  /** Start a stored model when the page opens. */
  autoStart: boolean;
  /** What `Longtab.load` was last given; null: the catalogue's first. */
  modelId: string | null;
  /** Where models run. */
  backend: BackendChoice;
  /** Most bytes that a conversation's keys and values may take; null: what the library finds right. */
  memoryBudget: number | null;
  /** What new conversations begin with. */
  chat: ChatSettings;
}

export type Theme = "auto" | "light" | "dark";

export const DEFAULTS: Settings = {
  theme: "auto",
  autoStart: false,
  modelId: null,
  backend: "auto",
  memoryBudget: null,
  chat: CHAT_DEFAULTS,
};

/** Bytes that can be chosen for a conversation's memory. */
export const MEMORY_BUDGETS = [64e6, 128e6, 256e6, 512e6, 1024e6, 2048e6] as const;

const STORAGE_KEY = "longtab-settings";

/** Whatever is stored (an older page's, another tab's, a hand's), every field is in its range afterwards. */
export function parseSettings(json: string | null): Settings {
  const stored = readObject(json);
  const { theme, autoStart, modelId, backend, memoryBudget, chat } = stored;
  return {
    theme: theme === "light" || theme === "dark" ? theme : "auto",
    autoStart: autoStart === true,
    modelId: typeof modelId === "string" ? modelId : null,
    backend: backend === "webgpu" || backend === "cpu" ? backend : "auto",
    memoryBudget: MEMORY_BUDGETS.find((budget) => budget === memoryBudget) ?? null,
    // Until conversations had settings of their own, the defaults lay beside the others.
    chat: readChatSettings(isObject(chat) ? chat : stored),
  };
}

function readObject(json: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json ?? "{}");
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

export const settings = signal<Settings>(DEFAULTS);

export function changeSettings(change: Partial<Settings>): void {
  settings.value = { ...settings.peek(), ...change };
}

/** Reads what is stored and from then on keeps storage, other tabs and the page's colours in step. */
export function startSettings(): void {
  settings.value = parseSettings(readStorage());
  effect(() => {
    writeStorage(JSON.stringify(settings.value));
  });
  effect(() => applyTheme(settings.value.theme));
  addEventListener("storage", (event) => {
    if (event.key === STORAGE_KEY) settings.value = parseSettings(event.newValue);
  });
}

function applyTheme(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  // Two of them, one per colour scheme; a chosen theme makes the other one void.
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    meta.media =
      theme === "auto" ? `(prefers-color-scheme: ${meta.dataset["scheme"]})` : meta.dataset["scheme"] === theme ? "all" : "not all";
  }
}

// Storage is refused in some private windows; the page then works with what it holds in memory.
function readStorage(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

function writeStorage(json: string): void {
  try {
    localStorage.setItem(STORAGE_KEY, json);
  } catch {
    // Kept for this visit only.
  }
}
