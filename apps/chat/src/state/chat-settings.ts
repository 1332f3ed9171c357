/** How a conversation is answered and remembered. Each has its own, taken from the defaults when its first question is asked. */
export interface ChatSettings {
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
  context: Context;
}

/** What memory does as a conversation grows: everything until it is full, the beginning and the end, or what matters. */
export type Context = "dense" | "streaming" | "auto";

export const CHAT_DEFAULTS: ChatSettings = {
  systemPrompt: "",
  temperature: null,
  topP: null,
  topK: null,
  minP: null,
  repetitionPenalty: null,
  maxTokens: null,
  seed: null,
  context: "auto",
};

/** Characters of a system prompt: some twenty pages, more than a model that fits a browser can follow. */
export const MOST_SYSTEM_PROMPT = 100_000;

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
} as const satisfies Partial<Record<keyof ChatSettings, NumberRange>>;

/** Whatever is stored (an older page's, another tab's, a hand's, a file's), every field is in its range afterwards. */
export function readChatSettings(stored: Readonly<Record<string, unknown>>): ChatSettings {
  const number = (key: keyof typeof RANGES): number | null => {
    const value = stored[key];
    if (typeof value !== "number" || !Number.isFinite(value)) return null;
    const inRange = clamp(value, RANGES[key]);
    return Number.isInteger(RANGES[key].step) ? Math.round(inRange) : inRange;
  };
  const { systemPrompt, context } = stored;
  return {
    systemPrompt: typeof systemPrompt === "string" ? systemPrompt.slice(0, MOST_SYSTEM_PROMPT).toWellFormed() : "",
    temperature: number("temperature"),
    topP: number("topP"),
    topK: number("topK"),
    minP: number("minP"),
    repetitionPenalty: number("repetitionPenalty"),
    maxTokens: number("maxTokens"),
    seed: number("seed"),
    context: context === "dense" || context === "streaming" ? context : "auto",
  };
}

export function clamp(value: number, { min, max }: NumberRange): number {
  return Math.min(Math.max(value, min), max);
}
