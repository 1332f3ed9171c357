import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { SettingsScope } from "../state/conversation-settings.ts";
import { isEmpty } from "../state/conversations.ts";
import { dialog } from "../state/page.ts";
import { changeSettings, settings, type Theme } from "../state/settings.ts";
import { AnswerSettings } from "./answer-settings.tsx";
import { Sheet } from "./dialog.tsx";
import { MemoryBudget } from "./memory-budget.tsx";
import { RunsOn } from "./runs-on.tsx";
import { Segments } from "./segments.tsx";
import { YourData } from "./your-data.tsx";

const THEMES: readonly (readonly [Theme, string])[] = [
  ["auto", "System"],
  ["light", "Light"],
  ["dark", "Dark"],
];

export function SettingsDialog(): JSX.Element {
  const { theme, autoStart } = settings.value;
  // An empty conversation has no settings of its own yet: it begins with those of new ones.
  const scope = useSignal<SettingsScope>(isEmpty.peek() ? "defaults" : "conversation");
  return (
    <Sheet name="settings" title="Settings">
      <section class="group">
        <h3>This page</h3>
        <Segments name="theme" legend="Colours" choices={THEMES} chosen={theme} onChoose={(value) => changeSettings({ theme: value })} />
        <RunsOn />
        <MemoryBudget />
        <label class="check">
          <input type="checkbox" checked={autoStart} onChange={(event) => changeSettings({ autoStart: event.currentTarget.checked })} />
          Start a stored model when the page opens
        </label>
        <p>
          <button type="button" class="text-button" onClick={() => (dialog.value = "models")}>
            Models and storage
          </button>
        </p>
      </section>
      <AnswerSettings scope={scope} />
      <YourData />
    </Sheet>
  );
}
