import { effect, signal } from "@preact/signals";
import type { BackendChoice } from "../longtab.ts";

/** What a person chose, kept in localStorage: small, and readable before the first paint. */
export interface Settings {
  systemPrompt: string;
  /** Null: the model's own, here and in the four below. */
  temperature: number | null;
  topP: number | null;
  topK: number | null;
  minP: number | null;
  repetitionPenalty: number | null;
  /** Null: until the model stops or the context is full. */
  maxTokens: number | null;
  /** Null: a new one for every answer. */
  seed: number | null;
  theme: Theme;
  /** Start a stored model when the page opens. */
  autoStart: boolean;
  /** What `Longtab.load` was last given; null: the catalogue's first. */
  modelId: string | null;
  /** Where models run. */
  backend: BackendChoice;
  context: Context;
}

/** What memory does as a conversation grows: everything until it is full, the beginning and the end, or what matters. */
export type Context = "dense" | "streaming" | "auto";

export type Theme = "auto" | "light" | "dark";

export const DEFAULTS: Settings = {
  systemPrompt: "",
  temperature: null,
  topP: null,
  topK: null,
  minP: null,
  repetitionPenalty: null,
  maxTokens: null,
  seed: null,
  theme: "auto",
  autoStart: false,
  modelId: null,
  backend: "auto",
  context: "auto",
};

export interface NumberRange {
  min: number;
  max: number;
  step: number;
}

export const RANGES = {
  temperature: { min: 0, max: 2, step: 0.05 },
  topP: { min: 0.05, max: 1, step: 0.05 },
  topK: { min: 0, max: 200, step: 1 },
  minP: { min: 0, max: 0.5, step: 0.01 },
  repetitionPenalty: { min: 1, max: 2, step: 0.05 },
  maxTokens: { min: 1, max: 1_000_000, step: 1 },
  seed: { min: 0, max: 0xffffffff, step: 1 },
} as const satisfies Partial<Record<keyof Settings, NumberRange>>;

const STORAGE_KEY = "longtab-settings";

/** Whatever is stored (an older page's, another tab's, a hand's), every field is in its range afterwards. */
export function parseSettings(json: string | null): Settings {
  const stored = readObject(json);
  const number = (key: keyof typeof RANGES): number | null => {
    const value = stored[key];
    if (typeof value !== "number" || !Number.isFinite(value)) return null;
    const inRange = clamp(value, RANGES[key]);
    return Number.isInteger(RANGES[key].step) ? Math.round(inRange) : inRange;
  };
  return {
    systemPrompt: typeof stored["systemPrompt"] === "string" ? stored["systemPrompt"] : DEFAULTS.systemPrompt,
    temperature: number("temperature"),
    topP: number("topP"),
    topK: number("topK"),
    minP: number("minP"),
    repetitionPenalty: number("repetitionPenalty"),
    maxTokens: number("maxTokens"),
    seed: number("seed"),
    theme: stored["theme"] === "light" || stored["theme"] === "dark" ? stored["theme"] : "auto",
    autoStart: stored["autoStart"] === true,
    modelId: typeof stored["modelId"] === "string" ? stored["modelId"] : null,
    backend: stored["backend"] === "webgpu" || stored["backend"] === "cpu" ? stored["backend"] : "auto",
    context: stored["context"] === "dense" || stored["context"] === "streaming" ? stored["context"] : "auto",
  };
}

export function clamp(value: number, { min, max }: NumberRange): number {
  return Math.min(Math.max(value, min), max);
}

function readObject(json: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export const settings = signal<Settings>(DEFAULTS);

export function changeSettings(change: Partial<Settings>): void {
  settings.value = { ...settings.peek(), ...change };
}

/** Puts the answers' settings back; the theme, the model, its place, its memory and its start stay as they are. */
export function resetAnswerSettings(): void {
  const { theme, autoStart, modelId, backend, context } = settings.peek();
  settings.value = { ...DEFAULTS, theme, autoStart, modelId, backend, context };
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
