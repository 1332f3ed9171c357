import { computed, effect, signal } from "@preact/signals";
import { sumOfTokens } from "./attachment-tokens.ts";
import { type CachePart, partsOf } from "./cache-parts.ts";
import { settingsHere } from "./conversation-settings.ts";
import { current, isEmpty, shownExchanges } from "./conversations.ts";
import { generatingHere, generation } from "./generation.ts";
import { toPrompt } from "./messages.ts";
import { loadedModel } from "./model.ts";

/** How much there is of the conversation, and how much of it the model can hold. */
export interface ContextFill {
  /** Tokens. */
  used: number;
  /** Tokens that are kept at most. */
  keeps: number;
  /** Of what is kept at most; 1 where it is full. */
  share: number;
  /** Whether the conversation goes on where that is full. */
  endless: boolean;
}

/** From here on the page says that the end is near. */
export const NEARLY_FULL = 0.85;
const COUNT_AFTER_MS = 150;

const counted = signal(0);
const answering = computed(() => (generatingHere.value ? generation.value : null));

/** Null until a model is loaded: another model counts otherwise. */
export const contextFill = computed<ContextFill | null>(() => {
  const model = loadedModel.value?.model;
  if (model === undefined) return null;
  const { keeps, endless } = model.context;
  const live = answering.value;
  const attached = shownExchanges.value.reduce((sum, { attachments = [] }) => sum + sumOfTokens(attachments), 0);
  const used = live !== null && live.promptTokens > 0 ? live.promptTokens + live.tokens : counted.value + attached;
  return { used, keeps, endless, share: Math.min(used / keeps, 1) };
});

/** What the model holds of the conversation on screen: now, or after its last answer. Null where it has held nothing of it. */
export const cacheHere = computed(() => {
  const live = answering.value?.cache ?? null;
  if (live !== null) return live;
  return shownExchanges.value.findLast(({ answer }) => answer?.stats?.cache !== undefined)?.answer?.stats?.cache ?? null;
});

export const cacheParts = computed<CachePart[]>(() => (cacheHere.value === null || isEmpty.value ? [] : partsOf(cacheHere.value)));

/** Counts the conversation on screen whenever it comes to rest. */
export function startContext(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const model = loadedModel.value;
    const conversation = current.value;
    const { systemPrompt } = settingsHere.value;
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
