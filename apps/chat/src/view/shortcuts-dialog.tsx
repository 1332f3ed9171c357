import type { JSX } from "preact";
import { Sheet } from "./dialog.tsx";

const MOD = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";

const SHORTCUTS: readonly (readonly [string[], string])[] = [
  [["Enter"], "Send"],
  [["Shift", "Enter"], "New line"],
  [["Esc"], "Stop the answer"],
  [["↑"], "Edit the last message, from an empty field"],
  [[MOD, "Shift", "O"], "New chat"],
  [[MOD, "Shift", "S"], "Show or hide conversations"],
  [[MOD, "K"], "Search conversations; / too, outside of a field"],
  [[MOD, ","], "Settings"],
  [[MOD, "/"], "This list"],
];

export function ShortcutsDialog(): JSX.Element {
  return (
    <Sheet name="shortcuts" title="Keyboard">
      <dl class="shortcuts">
        {SHORTCUTS.map(([keys, what]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Sheet>
  );
}
