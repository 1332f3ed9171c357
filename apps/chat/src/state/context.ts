import { computed, effect, signal } from "@preact/signals";
import { sumOfTokens } from "./attachment-tokens.ts";
import { current, isEmpty } from "./conversations.ts";
import { generatingHere, generation } from "./generation.ts";
import { toPrompt } from "./messages.ts";
import { loadedModel } from "./model.ts";
import { settings } from "./settings.ts";

/** How full the model's context is. */
export interface ContextFill {
  used: number;
  total: number;
  share: number;
}

/** From here on the page says that the end is near. */
export const NEARLY_FULL = 0.85;
const COUNT_AFTER_MS = 150;

const counted = signal(0);

/** Null until a model is loaded: another model counts otherwise. */
export const contextFill = computed<ContextFill | null>(() => {
  const model = loadedModel.value;
  if (model === null) return null;
  const total = model.model.contextLength;
  const live = generatingHere.value && generation.value !== null && generation.value.promptTokens > 0 ? generation.value : null;
  const attached = current.value.exchanges.reduce((sum, { attachments = [] }) => sum + sumOfTokens(attachments), 0);
  const used = live === null ? counted.value + attached : live.promptTokens + live.tokens;
  return { used, total, share: Math.min(used / total, 1) };
});

/** Counts the conversation on screen whenever it comes to rest. */
export function startContext(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const model = loadedModel.value;
    const conversation = current.value;
    const { systemPrompt } = settings.value;
    clearTimeout(timer);
    if (model === null || generation.value !== null) return;
    if (isEmpty.value) {
      counted.value = 0;
      return;
    }
    timer = setTimeout(() => {
      // Attached texts have been counted already, and are long.
      void model
        .countTokens(toPrompt(conversation, systemPrompt, () => "").messages)
        // A message that cannot be counted fails when it is sent, where its error can be shown.
        .catch(() => 0)
        .then((tokens) => {
          if (current.peek() === conversation) counted.value = tokens;
        });
    }, COUNT_AFTER_MS);
  });
}
