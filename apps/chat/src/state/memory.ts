import { effect, signal, untracked } from "@preact/signals";
import type { Context } from "./chat-settings.ts";
import { changeChatSettings, type SettingsScope } from "./conversation-settings.ts";
import { generation } from "./generation.ts";
import { reloadForHere } from "./remembering.ts";
import { changeSettings } from "./settings.ts";

/** True while a change waits for the answer under way. */
const waiting = signal(false);

/**
 * From now on this conversation, or those that begin, are remembered so. The loaded model is loaded anew when the answer under way has ended;
 * its conversation goes on.
 */
export function rememberBy(scope: SettingsScope, context: Context): void {
  changeChatSettings(scope, { context });
  waiting.value = true;
}

/** From now on a conversation's memory takes so many bytes at most; null: as the library finds right. */
export function budgetMemory(memoryBudget: number | null): void {
  changeSettings({ memoryBudget });
  waiting.value = true;
}

export function startMemory(): void {
  effect(() => {
    if (!waiting.value || generation.value !== null) return;
    waiting.value = false;
    untracked(() => void reloadForHere());
  });
}
