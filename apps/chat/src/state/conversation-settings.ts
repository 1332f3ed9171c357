import { computed } from "@preact/signals";
import type { ChatSettings } from "./chat-settings.ts";
import { change, current } from "./conversations.ts";
import { changeSettings, settings } from "./settings.ts";

/** By what the conversation on screen is answered and remembered: its own settings or, until it has begun, the defaults. */
export const settingsHere = computed<ChatSettings>(() => current.value.settings ?? settings.value.chat);

/** Of which settings a person speaks. */
export type SettingsScope = "conversation" | "defaults";

export function settingsOf(scope: SettingsScope): ChatSettings {
  return scope === "conversation" ? settingsHere.value : settings.value.chat;
}

export function changeChatSettings(scope: SettingsScope, part: Partial<ChatSettings>): void {
  if (scope === "defaults") changeSettings({ chat: { ...settings.peek().chat, ...part } });
  else {
    const changed = { ...settingsHere.peek(), ...part };
    void change(current.peek().id, (conversation) => ({ ...conversation, settings: changed }));
  }
}
