import type { JSX } from "preact";
import { install, installation } from "../state/installation.ts";
import { Icon } from "./icons.tsx";

/** The way to a window of its own; nothing where the page has one, or the browser gives none. */
export function InstallButton(): JSX.Element | null {
  const offered = installation.value;
  if (offered.by === "none") return null;
  if (offered.by === "prompt") {
    return (
      <button type="button" class="foot-button install" onClick={() => void install()}>
        <Icon name="install" /> Install app
      </button>
    );
  }
  return (
    <details class="install">
      <summary class="foot-button">
        <Icon name="install" /> Install app
      </summary>
      <p class="hint">{offered.how}</p>
    </details>
  );
}
